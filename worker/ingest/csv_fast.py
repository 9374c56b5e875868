"""The places where a block's rows begin and end, and from where on its quoting is not regular. Vectorised.

A block is regular up to the first quote that neither opens a cell (at its very beginning), nor closes it (at its very
end), nor is doubled or escaped inside it. What is regular here, Polars and the csv module read alike; the rest is for
careful.py.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worker.ingest import limits
from worker.ingest.csv_dialect import Dialect

NEWLINE = 10
_Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scan:
    """The complete regular rows from `start` on; positions are those of the buffer."""

    starts: _Positions  # (n,) first byte of each row
    ends: _Positions  # (n,) its line end
    widths: _Positions  # (n,) number of cells
    lines: _Positions  # (n,) line ends before it, counted from `start`
    stop: int  # first byte after the last of these rows
    lines_passed: int  # line ends up to there
    is_broken: bool  # an irregular row begins at `stop`; else the window was just too small for it


def rows(buffer: bytes, start: int, stop: int, dialect: Dialect, width: int) -> Scan:
    """Scans buffer[start:stop], where `start` is the beginning of a row and rows should have `width` cells."""
    window = np.frombuffer(buffer, dtype=np.uint8, count=stop - start, offset=start)
    has_quotes = bool(dialect.quote) and buffer.find(dialect.quote.encode(), start, stop) >= 0
    marks = (window == NEWLINE) | (window == dialect.delimiter_byte)
    if has_quotes:
        marks |= window == ord(dialect.quote)
    # From here on only the marks are looked at: they are a tenth of the bytes, and what follows takes several passes.
    places = np.flatnonzero(marks)
    signs = window[places]
    is_newline = signs == NEWLINE
    separates = np.ones(len(signs), dtype=bool)
    limit = len(window)
    if has_quotes:
        quotes = signs == ord(dialect.quote)
        escaped = quotes & _escaped(window, ord(dialect.escape))[places] if dialect.escape else np.zeros_like(quotes)
        is_quote = quotes & ~escaped
        outside = np.bitwise_xor.accumulate(is_quote.view(np.uint8)) == 0
        separates = outside & ~quotes
        limit = _first_irregular(window, places[is_quote], dialect)
        # Doubled, as Polars wants it, an escaped quote in a cell without quotes would mean something else.
        limit = min([limit, *places[escaped & outside][:1].tolist()])
        separates &= places < limit
    broken = limit < len(window)
    ending = np.flatnonzero(is_newline[separates])  # among what separates cells or rows
    ends = places[separates][ending]
    starts = np.empty_like(ends)
    if len(ends):
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
    widths = np.diff(ending, prepend=-1)
    if has_quotes:
        newlines = places[is_newline]
        lines = np.searchsorted(newlines, starts)
        spanned = np.diff(lines, append=np.searchsorted(newlines, ends[-1:]) + 1) if len(ends) else lines
        # A row over several lines that came out wrong is more likely a forgotten quote than a row.
        doubtful = np.flatnonzero((spanned > 1) & ((widths != width) | (ends - starts > limits.MAX_MULTILINE)))
        if len(doubtful):
            first = int(doubtful[0])
            starts, ends, widths, lines = starts[:first], ends[:first], widths[:first], lines[:first]
            broken = True
    else:
        lines = np.arange(len(ends))
    end = int(ends[-1]) + 1 if len(ends) else 0
    passed = int(np.searchsorted(newlines, end)) if has_quotes else len(ends)
    return Scan(starts + start, ends + start, widths, lines, start + end, passed, broken)


def _first_irregular(window: npt.NDArray[np.uint8], quotes: _Positions, dialect: Dialect) -> int:
    """Position of the first quote at which the quoting is not regular; the window's length when there is none."""
    opening, closing = quotes[0::2], quotes[1::2]
    previous = window[opening - 1]  # a wrong byte for an opening quote at 0, which is mended next
    fine = (previous == dialect.delimiter_byte) | (previous == NEWLINE) | (previous == ord(dialect.quote))
    if len(opening) and opening[0] == 0:
        fine[0] = True
    bad_open = opening[~fine]
    closing = closing[closing + 1 < len(window)]
    following = window[closing + 1]
    fine = (following == dialect.delimiter_byte) | (following == NEWLINE) | (following == ord(dialect.quote))
    if dialect.escape:  # quotes are not doubled then
        fine &= following != ord(dialect.quote)
    bad_close = closing[~fine]
    candidates = [int(found[0]) for found in (bad_open, bad_close) if len(found)]
    return min(candidates, default=len(window))


def _escaped(window: npt.NDArray[np.uint8], escape: int) -> npt.NDArray[np.bool_]:
    """The bytes that stand behind an odd number of escape characters."""
    is_escape = window == escape
    position = np.arange(len(window))
    last_other = np.maximum.accumulate(np.where(is_escape, -1, position))
    run = position - last_other  # escape characters that end here
    after_odd = np.zeros(len(window), dtype=bool)
    after_odd[1:] = (run[:-1] % 2) == 1
    return after_odd
