"""The delimiter, quote and line end of a text."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from worker.ingest import column_synonyms, limits, prices
from worker.ingest.types import Inspection

ONE_COLUMN = "\x1f"
"""Unit separator: stands in for a delimiter where there is none, because the parsers want one."""

_DELIMITERS = ",;\t|"
_RARE_DELIMITERS = "^~:\x01\x1f#"
"""Characters of ordinary text too: they need a nearly perfect table."""


_MOST_NOTES = 6  # lines above a table, and below it
_ABOVE_HEADER = 20  # lines among which the header is looked for, to tell the delimiter
_EDGE = r"(?:^|[,;\t|^~:\x01\x1f]) ?"


@dataclass(frozen=True, slots=True)
class Dialect:
    delimiter: str = ","  # "" = one column
    quote: str = '"'  # "" = quotes are ordinary characters
    escape: str = ""
    skip_space: bool = False

    @property
    def delimiter_byte(self) -> int:
        return ord(self.delimiter or ONE_COLUMN)

    def csv_arguments(self, *, strict: bool) -> dict[str, Any]:
        return {
            "delimiter": self.delimiter or ONE_COLUMN,
            "quotechar": self.quote or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "doublequote": not self.escape,
            "escapechar": (self.quote and self.escape) or None,
            "skipinitialspace": self.skip_space,
            "strict": strict,
        }


def of(inspection: Inspection) -> Dialect:
    return Dialect(inspection.delimiter, inspection.quote, inspection.escape, inspection.skip_space)


def newline_of(text: str) -> str:
    """The line end used most. Lone carriage returns count only where they can't be part of a cell."""
    crlf = text.count("\r\n")
    lf = text.count("\n") - crlf
    cr = text.count("\r") - crlf
    if cr > 2 * (crlf + lf):
        return "\r"
    if cr and _rows_grow(text):
        return "\r"
    return "\r\n" if crlf > lf else "\n"


def _rows_grow(text: str) -> bool:
    """Whether lone carriage returns end rows that look like the others (two files put together)."""
    plain = text.replace("\r\n", "\n")
    for delimiter in _DELIMITERS:
        whole = Counter(line.count(delimiter) for line in plain.split("\n") if "\r" not in line and delimiter in line)
        if not whole:
            continue
        width = whole.most_common(1)[0][0]
        pieces = [piece for line in plain.split("\n") if "\r" in line for piece in line.split("\r") if piece.strip()]
        # The first and last piece of a line fit by chance only when the cell with the return is the last one.
        if pieces and sum(piece.count(delimiter) == width for piece in pieces) >= 0.8 * len(pieces):
            return True
    return False


def detect(text: str) -> Dialect:
    """The dialect of a sample with "\\n" line ends. Only ever a proposal: the preview shows what it leads to."""
    named = re.search(r"^sep=(.)\r?$", text[:2000], re.IGNORECASE | re.MULTILINE)  # a line that Excel writes and obeys
    quote = _quote(text[: 200 << 10])
    escape = "\\" if quote and _escapes(text, quote) else ""
    if named and named[1].isascii():
        return Dialect(named[1], quote, escape, _skips_space(text, named[1], quote))
    if inside := _unwrapped(text):
        return detect(inside)
    best, best_score = Dialect("", quote, escape), 0.0
    for delimiter in _DELIMITERS + _RARE_DELIMITERS:
        if delimiter not in text:
            continue
        dialect = Dialect(delimiter, quote, escape, _skips_space(text, delimiter, quote))
        width, share = shape(text, dialect)
        needed = 0.5 if delimiter in _DELIMITERS else 0.9
        score = share * (1 + min(width, 12) / 24)  # consistent first, then wide
        score *= 1.0 if delimiter in _DELIMITERS else 0.75  # the colon of an address is in every row too
        if _names_columns(text, dialect):  # a header is stronger evidence than ragged rows are against it
            score, needed = score + 1, 0.1
        if width > 1 and share >= needed and score > best_score + 1e-9:
            best, best_score = dialect, score
    return _without_decimal_commas(text, best)


def _without_decimal_commas(text: str, best: Dialect) -> Dialect:
    """The dialect with another delimiter than a comma that stands between digits alone, where that divides the rows as
    well: such commas are decimal signs."""
    if best.delimiter != "," or re.search(r"(?<!\d),|,(?!\d)", text):
        return best
    for delimiter in _DELIMITERS:
        other = replace(best, delimiter=delimiter)
        if delimiter != "," and delimiter in text and shape(text, other) >= (2, 1.0):
            return replace(other, skip_space=_skips_space(text, delimiter, other.quote))
    return best


def _unwrapped(text: str) -> str:
    """The text without the quotes around every line, if it has such and cells in quotes inside; else ""."""
    lines = [line for line in text.split("\n", limits.SAMPLE_ROWS)[: limits.SAMPLE_ROWS] if line.strip()]
    wrapped = [line[1:-1].replace('""', '"') for line in lines if re.fullmatch(r'"(?:[^"]|"")*"', line)]
    inside = "\n".join(wrapped)
    is_whole = bool(wrapped) and len(wrapped) >= 0.9 * len(lines) and ('"' in inside or _divides(inside, len(wrapped)))
    return inside if is_whole else ""


def _divides(text: str, lines: int) -> bool:
    """Whether lines without quotes are the rows of a table rather than the cells of one column: a header says so, or
    as many delimiters in each of several lines."""
    for delimiter in _DELIMITERS:
        dialect = Dialect(delimiter, "")
        width, share = shape(text, dialect)
        if width < 2 or share < 0.9:
            continue
        if _names_columns(text, dialect) or (
            share == 1 and lines > 2 and (width > 2 or _ends_in_prices(text, dialect))
        ):
            return True
    return False


def _ends_in_prices(text: str, dialect: Dialect) -> bool:
    return prices.share_of_prices(cells[-1] for cells in sample_rows(text, dialect)[:100] if cells) >= 0.5


def _names_columns(text: str, dialect: Dialect) -> bool:
    """Whether two cells of one of the first lines bear names of columns: notes may stand above a header."""
    lines = [line for line in text.split("\n", _ABOVE_HEADER)[:_ABOVE_HEADER] if line.strip()]
    rows = [cells for line in lines for cells in sample_rows(line, dialect)[:1]]
    return any(sum(map(column_synonyms.is_known, cells[: limits.MAX_COLUMNS])) >= 2 for cells in rows)


def shape(text: str, dialect: Dialect) -> tuple[int, float]:
    """The usual number of cells, and the share of lines that have it. Notes above a table or below it count for
    nothing."""
    lengths = [len(cells) for cells in sample_rows(text, dialect) if cells]
    first, last = _between_notes(lengths)
    widths = Counter(lengths[first:last])
    if not widths:
        return 0, 0.0
    width, count = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    return width, count / widths.total()


def _between_notes(widths: list[int]) -> tuple[int, int]:
    """Where the table begins and ends among lines of so many cells: behind a few of one cell, before a few of one.
    Some texts with a comma are none: it takes three columns, and five of one row."""
    wide = [i for i, width in enumerate(widths) if width > 1]
    least = 3 if len(wide) > 1 else 5
    if not wide or widths[wide[0]] < least or widths[wide[-1]] < least:
        return 0, len(widths)
    first, last = wide[0], wide[-1] + 1
    return first if first <= _MOST_NOTES else 0, last if len(widths) - last <= _MOST_NOTES else len(widths)


def sample_rows(text: str, dialect: Dialect) -> list[list[str]]:
    """Rows of a sample, leniently; its last line is left out when it may be cut."""
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text.replace("\r", " "), newline="\n"), **dialect.csv_arguments(strict=False))
    try:
        for cells in reader:
            rows.append(cells)
            if len(rows) >= limits.SAMPLE_ROWS:
                break
    except csv.Error:  # a cell beyond the module's limit: what came before has to do
        pass
    return rows


def _quote(text: str) -> str:
    """The character that opens cells, if one does."""
    counts = {quote: len(_cells_in(text, quote)) for quote in ('"', "'")}
    # One cell with a quote in it that is doubled or escaped is written by a program, as a single one may not be.
    if counts["'"] > 2 * counts['"'] and (counts["'"] >= 2 or re.search(r"\w(?:''|\\')\w", _cells_in(text, "'")[0])):
        return "'"
    if counts['"']:
        return '"'
    if len(re.findall(rf"{_EDGE}'[^'\n]{{0,200}}(?:\n[^'\n]{{0,200}}){{1,5}}'(?=[,;\t|\n]|$)", text, re.MULTILINE)) > 1:
        return "'"  # of cells over several lines
    # Cells that begin with a quote, and none that ends with one, on that line or later: inches and titles, not quoting.
    opened = len(re.findall(rf'{_EDGE}"', text, re.MULTILINE))
    closed = len(re.findall(rf'{_EDGE}"(?:[^"]|"")*"(?=[,;\t|^~:\x01\x1f\n]|$)', text, re.MULTILINE))
    return "" if opened >= 3 and 2 * closed <= opened else '"'


def _cells_in(text: str, quote: str) -> list[str]:
    """The cells that stand in these quotes, on one line each."""
    inside = rf"(?:[^{quote}\n]|{quote}{quote}|\\{quote})*"
    return re.findall(rf"{_EDGE}({quote}{inside}{quote})(?=[,;\t|^~:\x01\x1f\n]|$)", text, re.MULTILINE)


def _escapes(text: str, quote: str) -> bool:
    """Whether quotes inside cells are written with a backslash. Not when a cell just ends in one (C:\\)."""
    inside = len(re.findall(rf"\\{quote}(?![,;\t|\n])", text))
    doubled = len(re.findall(rf"[^,;\t|\n{quote}]{quote}{quote}", text))
    return inside > 0 and inside > doubled


def _skips_space(text: str, delimiter: str, quote: str) -> bool:
    if not quote:
        return False
    spaced = text.count(f"{delimiter} {quote}")
    return spaced > 0 and spaced >= text.count(f"{delimiter}{quote}")
