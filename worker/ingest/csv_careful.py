"""Reads one record whose quoting is irregular.

A quote opens a cell at its very beginning, and closes it only before a delimiter or a line end; any other one inside
is a character (TV 32" LED). Where that leaves the wrong number of cells, two other readings are tried, and the one that
gives the right number is taken.
"""

import re
from dataclasses import dataclass

from worker.ingest import limits
from worker.ingest.csv_dialect import ONE_COLUMN, Dialect

UNCLOSED = "a quote is opened and never closed"
INNER = "quotes inside quoted cells are not doubled; they were taken for what they stand for"
WRAPPED = "the whole line stands in quotes, which were taken off"

_BLANKS = re.compile("[ \t]*")


@dataclass(frozen=True, slots=True)
class Record:
    cells: list[str]
    end: int  # position of the first byte after it
    lines: int
    reason: str = ""  # why it can't be used, when the quoting says so
    width: int = 0  # its cells, those of one that can't be used too
    note: str = ""  # what was irregular and is mended


@dataclass(frozen=True, slots=True)
class _Reading:
    cells: list[str]
    end: int  # position of the line end that ends it, or the length of the text
    is_open: bool = False  # the last cell is opened and not closed
    note: str = ""
    is_quoted: bool = False  # the last cell stands in quotes


def record(buffer: bytes, start: int, dialect: Dialect, width: int, *, final: bool) -> Record | None:
    """The record at `start`; None when the buffer ends too early to tell and is not final. width: the cells that a row
    has, 0 = not known yet.

    A quote that is never closed spoils its own line only: reading goes on with the next one.
    """
    end = buffer.find(b"\n", start)
    if end < 0:
        return None
    line = _text(buffer[start:end])
    reading = _read(line, dialect)
    if not reading.is_open:
        return _one_line(line, reading, dialect, width, end + 1)
    others = (_read(line, dialect, keeps=True), _read(line, dialect, ends=True))
    fits = next((other for other in others if not other.is_open and len(other.cells) == width), None)
    unclosed = Record([], end + 1, 1, UNCLOSED, width=len(reading.cells))
    alone = Record(fits.cells, end + 1, 1, width=width, note=INNER) if fits else unclosed
    limit = start + limits.MAX_MULTILINE
    if buffer.find(dialect.quote.encode(), end, limit) < 0:
        return None if not final and len(buffer) < limit else alone
    stop = buffer.rfind(b"\n", start, limit) + 1
    text = _text(buffer[start:stop])
    spanning = _read(text, dialect)
    if spanning.is_open or spanning.end >= len(text):
        return None if not final and len(buffer) < limit else alone
    if not width or len(spanning.cells) != width or spanning.note or fits:
        # A ragged row over lines, or a quote that was forgotten and swallowed good rows.
        swallowed = text[len(line) + 1 : spanning.end].split("\n")
        if any(_is_row(each, dialect, width) for each in swallowed):
            return alone
    size = len(text[: spanning.end + 1].encode())
    lines = text.count("\n", 0, spanning.end + 1)
    return Record(spanning.cells, start + size, lines, width=len(spanning.cells), note=spanning.note)


def too_long() -> str:
    return f"a cell is longer than {limits.MAX_CELL:,} characters"


def _text(raw: bytes) -> str:
    """The text with blanks for lone carriage returns, which are no line ends here: Polars drops some of them."""
    return raw.replace(b"\r", b" ").decode()


def _is_row(line: str, dialect: Dialect, width: int) -> bool:
    if width < 2:
        return False
    reading = _read(line, dialect)
    return not reading.is_open and len(reading.cells) == width


def _one_line(line: str, reading: _Reading, dialect: Dialect, width: int, end: int) -> Record:
    cells, note = reading.cells, reading.note
    if len(cells) == 1 and reading.is_quoted and dialect.delimiter and dialect.delimiter in cells[0]:
        inner = _read(cells[0], dialect)
        if not inner.is_open and len(inner.cells) == (width or max(len(inner.cells), 2)):
            return Record(inner.cells, end, 1, width=len(inner.cells), note=WRAPPED)
    if width and len(cells) != width and dialect.quote and dialect.quote in line:
        for other in (_read(line, dialect, ends=True), _read(line, dialect, keeps=True)):
            if not other.is_open and len(other.cells) == width:
                return Record(other.cells, end, 1, width=width, note=INNER)
    return Record(cells, end, 1, width=len(cells), note=note)


def _read(text: str, dialect: Dialect, *, ends: bool = False, keeps: bool = False) -> _Reading:
    """The cells up to the first line end outside quotes. ends: of two quotes before a delimiter the second one closes;
    keeps: a cell that is more than a quoted text is as it stands, quotes and all ("Deluxe" lamp)."""
    delimiter, quote = dialect.delimiter or ONE_COLUMN, dialect.quote
    stops = re.compile(f"[{re.escape(delimiter)}\n]")
    closers = re.compile(f"[{re.escape(quote)}{re.escape(dialect.escape)}]") if quote else None
    cells: list[str] = []
    position, note, is_quoted = 0, "", False
    while True:
        if dialect.skip_space:
            while text.startswith(" ", position):
                position += 1
        is_quoted = bool(quote) and text.startswith(quote, position)
        if is_quoted and closers:
            cell, place, odd = _quoted(text, position + 1, dialect, delimiter, closers, ends=ends)
            if odd and keeps:
                stop = _stop(stops, text, position)
                if text.count(quote, position, stop) % 2 == 0:
                    cell, place = text[position:stop], stop
            if odd:
                note = INNER
            if place < 0:
                return _Reading([*cells, cell], len(text), is_open=True)
        else:
            place = _stop(stops, text, position)
            cell = text[position:place]
            if dialect.escape and dialect.escape in cell:
                cell = _unescaped(cell, dialect)
        cells.append(cell)
        if place >= len(text) or text[place] == "\n":
            return _Reading(cells, place, note=note, is_quoted=is_quoted)
        position = place + 1


def _stop(stops: re.Pattern[str], text: str, position: int) -> int:
    match = stops.search(text, position)
    return match.start() if match else len(text)


def _quoted(
    text: str, position: int, dialect: Dialect, delimiter: str, closers: re.Pattern[str], *, ends: bool
) -> tuple[str, int, bool]:
    """A cell in quotes whose text begins at `position`: what it says, the place of what ends it (-1: nothing does), and
    whether there is a quote in it that is neither doubled nor escaped."""
    quote, parts, odd = dialect.quote, list[str](), False
    while match := closers.search(text, position):
        place = match.start()
        behind = text[place + 1 : place + 2]
        if match[0] == dialect.escape:
            width = 2 if behind and behind in (quote, dialect.escape) else 1
            parts.append(text[position:place] + (behind if width == 2 else match[0]))
            position = place + width
            continue
        if behind == quote and not dialect.escape:
            parts.append(text[position:place] + quote)
            position = place + 2
            if ends and _ends(text, position, delimiter):
                return "".join(parts), position, True
            continue
        blanks = _BLANKS.match(text, place + 1) if delimiter not in " \t" else None
        after = blanks.end() if blanks else place + 1
        if _ends(text, after, delimiter):
            parts.append(text[position:place] + text[place + 1 : after])
            return "".join(parts), after, odd
        parts.append(text[position:place] + quote)
        position, odd = place + 1, True
    return "".join([*parts, text[position:]]), -1, odd


def _ends(text: str, place: int, delimiter: str) -> bool:
    return place >= len(text) or text[place] in (delimiter, "\n")


def _unescaped(cell: str, dialect: Dialect) -> str:
    """The cell without the escape characters of quotes and of themselves; in C:\\temp one is a character."""
    escape = re.escape(dialect.escape)
    if not dialect.quote:
        return cell
    return re.sub(f"{escape}({escape}|{re.escape(dialect.quote)})", r"\1", cell)
