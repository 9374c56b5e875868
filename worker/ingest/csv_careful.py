"""Reads one record whose quoting is irregular, as the csv module decides."""

import contextlib
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from worker.ingest import limits
from worker.ingest.csv_dialect import Dialect

UNCLOSED = "a quote is opened and never closed"

_AFTER = "\x1e"  # a line that is consumed only when the line before it leaves a quote open


@dataclass(frozen=True, slots=True)
class Record:
    cells: list[str]
    end: int  # position of the first byte after it
    lines: int
    reason: str = ""  # why it can't be used, when the quoting says so
    width: int = 0  # its cells, those of one that can't be used too; 0 = nobody can tell


def record(buffer: bytes, start: int, dialect: Dialect, width: int, *, final: bool) -> Record | None:
    """The record at `start`; None when the buffer ends too early to tell and is not final.

    A quote that is never closed spoils its own line only: reading goes on with the next one.
    """
    end = buffer.find(b"\n", start)
    if end < 0:
        return None
    line = _text(buffer, start, end, dialect)
    try:
        reader = csv.reader([line + "\n", _AFTER], **dialect.csv_arguments(strict=False))
        cells = next(reader, [])
    except csv.Error:  # a cell beyond the module's own limit
        return Record([], end + 1, 1, too_long())
    if reader.line_num == 1:
        return Record(cells, end + 1, 1, width=len(cells))
    unclosed = Record([], end + 1, 1, UNCLOSED, width=len(cells))
    limit = start + limits.MAX_MULTILINE
    if buffer.find(dialect.quote.encode(), end, limit) < 0 and dialect.quote:
        if not final and len(buffer) < limit:
            return None
        return unclosed
    return _over_lines(buffer, start, end, dialect, width, unclosed, final=final)


def _text(buffer: bytes, start: int, end: int, dialect: Dialect) -> str:
    """The text as the csv module has to see it: to it a carriage return always ends a line, and an escape character
    swallows itself before whatever follows; to us it escapes quotes and itself, and is a character in C:\\temp."""
    text = buffer[start:end].decode().replace("\r", " ")
    if dialect.quote and dialect.escape and dialect.escape in text:
        escape = re.escape(dialect.escape)
        pairs = re.compile(f"{escape}({escape}|{re.escape(dialect.quote)})?")
        text = pairs.sub(lambda found: found[0] if found[1] else 2 * dialect.escape, text)
    return text


def too_long() -> str:
    return f"a cell is longer than {limits.MAX_CELL:,} characters"


class _EndedInsideQuotesError(Exception):
    """The buffer ended inside a quoted cell."""


def _over_lines(
    buffer: bytes, start: int, end: int, dialect: Dialect, width: int, unclosed: Record, *, final: bool
) -> Record | None:
    """The record when its first line leaves a quote open: all its lines, or the first one as a reject."""
    position = start

    def lines() -> Iterator[str]:
        nonlocal position
        while position - start < limits.MAX_MULTILINE:
            stop = buffer.find(b"\n", position)
            if stop < 0:
                if final:
                    return
                raise _EndedInsideQuotesError
            text, position = _text(buffer, position, stop + 1, dialect), stop + 1
            yield text

    reader = csv.reader(lines(), **dialect.csv_arguments(strict=True))
    try:
        cells = next(reader, [])
    except _EndedInsideQuotesError:
        return None
    except csv.Error:
        return unclosed
    if len(cells) == width:
        return Record(cells, position, reader.line_num, width=len(cells))
    # A wrong number of cells: either a ragged row that spans lines, or a forgotten quote that swallowed good rows.
    swallowed = _text(buffer, end + 1, position, dialect).split("\n")
    with contextlib.suppress(csv.Error):  # a cell beyond the module's own limit, which is in no good row
        for row in csv.reader(swallowed, **dialect.csv_arguments(strict=False)):
            if len(row) == width and width > 1:
                return unclosed
    return Record(cells, position, reader.line_num, width=len(cells))
