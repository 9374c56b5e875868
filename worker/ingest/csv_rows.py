"""The rows of cells in a text, with their line numbers: fast where the text is regular, careful where not."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.ingest import csv_careful, csv_fast, limits, not_items, repeated_lines
from worker.ingest.csv_dialect import ONE_COLUMN, Dialect
from worker.ingest.csv_encoding import MARK, MARK_BYTES
from worker.ingest.row_mends import Mending
from worker.ingest.types import Cells, Reject, names

_SMALL_WINDOW = 64 << 10
_MOST_PATIENCE = 4096

ODD_RECORDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64,  # 1-based, where the record begins
    "last_line": pl.Int64,
    "width": pl.Int64,  # its cells
    "is_open": pl.Boolean,  # its last quote is opened and never closed
    "is_mended": pl.Boolean,  # it is a row although it has another number of cells
    "is_wrapped": pl.Boolean,  # the whole line stands in quotes
}


def cells(
    blocks: Iterator[bytes], dialect: Dialect, width: int, skip_lines: int, mending: Mending | None = None
) -> Iterator[Cells]:
    """Rows of `width` cells from blocks of UTF-8 text; the first `skip_lines` lines are neither rows nor rejects."""
    for walk in _walks(blocks, dialect, width, skip_lines, mending, parses=True):
        yield walk.cells()


def odd_records(
    blocks: Iterator[bytes], dialect: Dialect, width: int, skip_lines: int, mending: Mending | None = None
) -> Iterator[pl.DataFrame]:
    """ODD_RECORDS of the records that are not just one line of `width` cells, as `cells` finds them: whoever writes
    beside them must not see other records than the reader saw."""
    for walk in _walks(blocks, dialect, width, skip_lines, mending, parses=False):
        yield walk.odd_records()


def _walks(
    blocks: Iterator[bytes], dialect: Dialect, width: int, skip_lines: int, mending: Mending | None, *, parses: bool
) -> Iterator["_Walk"]:
    buffer, line = b"", 1
    overlong = False  # inside a line that was rejected because it has no end
    for block, final in _last_marked(blocks):
        buffer += block
        if final and buffer and not buffer.endswith(b"\n"):
            buffer += b"\n"
        if overlong:
            end = buffer.find(b"\n")
            if end < 0:
                buffer = b""
                continue
            buffer, line, overlong = buffer[end + 1 :], line + 1, False
        start = 0
        while skip_lines and (end := buffer.find(b"\n", start)) >= 0:
            start, line, skip_lines = end + 1, line + 1, skip_lines - 1
        if skip_lines:
            buffer = buffer[start:]
            continue
        walk = _Walk(buffer, dialect, width, line, start, parses, mending)
        walk.go(final=final)
        buffer, line = buffer[walk.position :], walk.line
        if len(buffer) > limits.MAX_LINE and b"\n" not in buffer:
            walk.rejects.append(Reject(line, _readable(buffer), f"the line is longer than {limits.MAX_LINE:,} bytes"))
            buffer, overlong = b"", True
        yield walk


def _last_marked(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    for block in blocks:
        yield block, False
    yield b"", True


def _readable(raw: bytes) -> str:
    """A rejected line for a reader and for Postgres, which stores no NUL."""
    text = raw[: 4 * limits.MAX_RAW].decode("utf-8", "replace")
    if len(text) > limits.MAX_RAW:
        text = text[: limits.MAX_RAW] + "…"
    return text.replace("\0", "\u2400").replace(MARK, "\ufffd")


_Shape = tuple[int, int, int, bool, bool, bool]
"""A line of ODD_RECORDS."""


@dataclass
class _Found:
    """Records that were read one by one."""

    rows: list[list[str]] = field(default_factory=list)
    places: list[tuple[int, int, int, int]] = field(default_factory=list)  # line, beginning, end, count of each row
    shapes: list[_Shape] = field(default_factory=list)  # of those that are odd


@dataclass
class _Walk:
    """One pass over a buffer, from the beginning of a row to the last row that is complete."""

    buffer: bytes
    dialect: Dialect
    width: int
    line: int
    position: int
    parses: bool = True  # False: only where records begin and end is of interest
    mending: Mending | None = None  # of rows of another width
    rejects: list[Reject] = field(default_factory=list)
    mended: Counter[str] = field(default_factory=Counter)  # what was done to rows -> number of rows
    _odd: list[pl.DataFrame] = field(default_factory=list)
    _frames: list[pl.DataFrame] = field(default_factory=list)
    _lines: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _starts: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _ends: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _counts: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def go(self, *, final: bool) -> None:
        """Walks on: regular stretches at once, irregular records one by one; more of them at a time where they
        abound."""
        window, patience = len(self.buffer), 1
        while self.position < len(self.buffer):
            stop = min(self.position + window, len(self.buffer))
            found = csv_fast.rows(self.buffer, self.position, stop, self.dialect, self.width)
            self._regular(found)
            if found.is_broken or (stop == len(self.buffer) and self._is_stuck(final)):
                if not self._careful(patience, final=final):
                    return
                patience = min(2 * patience, _MOST_PATIENCE)
                window = max(_SMALL_WINDOW, window // 4)
            elif stop == len(self.buffer):
                return
            else:
                window *= 4
                patience = max(1, patience // 2)

    def _is_stuck(self, final: bool) -> bool:
        """Whether the rest of the buffer is inside a quoted cell that will not end."""
        rest = len(self.buffer) - self.position
        return rest > 0 and (final or rest > limits.MAX_MULTILINE) and self.buffer.find(b"\n", self.position) >= 0

    def _regular(self, scan: csv_fast.Scan) -> None:
        starts, ends, lines = scan.starts, scan.ends, scan.lines + self.line
        self.position, self.line = scan.stop, self.line + scan.lines_passed
        good = scan.widths == self.width
        if not self.parses:
            spans = np.flatnonzero(np.append(lines[1:], self.line) - 1 > lines)
            shapes = [(int(lines[i]), int(lines[i + 1] if i + 1 < len(lines) else self.line) - 1) for i in spans]
            self._note_odd([(first, last, self.width, False, False, False) for first, last in shapes])
            once = np.ones(int((~good).sum()), dtype=np.int64)
            self._one_by_one(starts[~good], ends[~good], lines[~good], once)
            return
        if self.width == 1:
            good &= ends > starts
        same = repeated_lines.repeats(self.buffer, starts, ends, lines)
        counts = np.zeros(len(same), dtype=np.int64)
        counts[~same] = repeated_lines.counts_of(same)
        bad = ~good & ~same
        good &= ~same
        if not good.all():
            self._one_by_one(starts[bad], ends[bad], lines[bad], counts[bad])
            text = _kept(self.buffer, starts, ends, good)
            starts, ends, lines, counts = starts[good], ends[good], lines[good], counts[good]
        else:
            text = self.buffer[int(starts[0]) : scan.stop] if len(starts) else b""
        if not len(starts):
            return
        if self.dialect.escape and self.dialect.quote:
            text = _doubled(text, self.dialect)
        try:
            frame = pl.read_csv(
                text.replace(b"\r", b" "),  # Polars drops some returns that are no line ends
                has_header=False,
                schema=dict.fromkeys(names(self.width), pl.String),
                separator=self.dialect.delimiter or ONE_COLUMN,
                quote_char=self.dialect.quote or None,
                empty_string_is_null=False,
                infer_schema=False,
            )
        except pl.exceptions.PolarsError:
            frame = pl.DataFrame()
        if len(frame) != len(starts):
            self._one_by_one(starts, ends, lines, counts)
            return
        if self.dialect.skip_space:
            frame = frame.with_columns(pl.all().str.strip_chars_start(" "))
        self._add(frame, lines, starts, ends, counts)

    def _one_by_one(
        self,
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
        lines: npt.NDArray[np.int64],
        counts: npt.NDArray[np.int64],
    ) -> None:
        """Adds rows that Polars refuses or counts differently, or that have another number of cells: what can't be read
        or mended is a reject, and the rest goes on."""
        found = _Found()
        for start, end, line, count in zip(
            starts.tolist(), ends.tolist(), lines.tolist(), counts.tolist(), strict=True
        ):
            record = csv_careful.record(self.buffer[start : end + 1], 0, self.dialect, self.width, final=True)
            if record and record.end == end + 1 - start:
                self._take(record, line, start, end, found, count)
            elif self.parses:
                reason = "its quotes can't be understood"
                self._reject(Reject(line, _readable(self.buffer[start:end]), reason, count))
        self._add_read(found)

    def _careful(self, patience: int, *, final: bool) -> bool:
        """Reads up to `patience` records one by one; False when the buffer ends before the next one does."""
        found = _Found()
        complete = True
        for _ in range(patience):
            record = csv_careful.record(self.buffer, self.position, self.dialect, self.width, final=final)
            if record is None:
                complete = False
                break
            self._take(record, self.line, self.position, record.end - 1, found)
            self.position, self.line = record.end, self.line + record.lines
        self._add_read(found)
        return complete

    def _take(
        self, record: csv_careful.Record, line: int, start: int, end: int, found: "_Found", count: int = 1
    ) -> None:
        """Adds a record to what was found, as a row or as a reject. count: equal lines that it stands for."""
        row, note = record.cells, record.note
        is_row = not record.reason and len(row) == self.width
        mended = (
            self.mending.apply(row) if self.mending and not is_row and not record.reason and record.lines == 1 else None
        )
        if mended:
            row, note = mended
        if not self.parses:
            is_open = record.reason == csv_careful.UNCLOSED
            is_odd = record.lines > 1 or record.width != self.width or is_open
            is_wrapped = record.note == csv_careful.WRAPPED
            if is_odd or is_wrapped:
                last = line + record.lines - 1
                found.shapes.append((line, last, record.width, is_open, mended is not None, is_wrapped))
        elif record.reason:
            self._reject(Reject(line, _readable(self.buffer[start:end]), record.reason, count))
        elif is_row or mended:
            found.rows.append(row)
            found.places.append((line, start, end, count))
            if note:
                self.mended[note] += count
        else:
            self._wrong_width(line, start, end, len(row), count)

    def _note_odd(self, shapes: list[_Shape]) -> None:
        if shapes:
            self._odd.append(pl.DataFrame(shapes, schema=ODD_RECORDS, orient="row"))

    def odd_records(self) -> pl.DataFrame:
        return pl.concat([pl.DataFrame(schema=ODD_RECORDS), *self._odd]).sort("line")

    def _add_read(self, found: "_Found") -> None:
        """Adds records that were read one by one."""
        self._note_odd(found.shapes)
        if found.rows:
            frame = pl.DataFrame(found.rows, schema=dict.fromkeys(names(self.width), pl.String), orient="row")
            lines, starts, ends, counts = np.array(found.places, dtype=np.int64).T
            self._add(frame, lines, starts, ends, counts)

    def _wrong_width(self, line: int, start: int, end: int, width: int, count: int = 1) -> None:
        raw = self.buffer[start:end]
        if not raw.strip(b" \t\r\xc2\xa0") and (self.dialect.delimiter_byte not in raw or self.width == 1):
            return  # a blank line is no row
        if not raw.strip(b"-=+_:|~ \t\r") and (b"--" in raw or b"==" in raw):
            self._reject(Reject(line, _readable(raw), not_items.DRAWN, count))
            return
        cells = "1 cell" if width == 1 else f"{width} cells"
        self._reject(Reject(line, _readable(raw), f"wrong number of cells: {cells} instead of {self.width}", count))

    def _reject(self, reject: Reject) -> None:
        """Keeps a reject; as part of the last one where that says the same of the lines before it."""
        last = self.rejects[-1] if self.rejects else None
        if last and (last.raw, last.reason, last.line + last.count) == (reject.raw, reject.reason, reject.line):
            self.rejects[-1] = replace(last, count=last.count + reject.count)
        else:
            self.rejects.append(reject)

    def _add(
        self,
        frame: pl.DataFrame,
        lines: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
        counts: npt.NDArray[np.int64],
    ) -> None:
        if self.width == 1:  # a line of spaces is no row, an empty cell in quotes is one
            blank = (frame["c0"].str.strip_chars() == "").to_numpy()
            if blank.any():
                keep = np.array(
                    [not b or self.buffer[s:e].strip() != b"" for b, s, e in zip(blank, starts, ends, strict=True)]
                )
                frame, lines, starts, ends = frame.filter(keep), lines[keep], starts[keep], ends[keep]
                counts = counts[keep]
        self._frames.append(frame)
        self._lines.append(lines)
        self._starts.append(starts)
        self._ends.append(ends)
        self._counts.append(counts)

    def cells(self) -> Cells:
        if not self._frames:
            empty = pl.DataFrame(schema=dict.fromkeys(names(self.width), pl.String))
            return Cells(empty, np.empty(0, np.int64), lambda _: "", {}, self.rejects)
        columns = (self._starts, self._ends, self._lines, self._counts)
        starts, ends, lines, counts = map(np.concatenate, columns)
        frame, buffer = pl.concat(self._frames), self.buffer
        if (np.diff(lines) < 0).any():  # rows that were mended come before the regular ones around them
            order = np.argsort(lines)
            frame, starts, ends, lines, counts = frame[order], starts[order], ends[order], lines[order], counts[order]
        return Cells(
            frame,
            lines,
            lambda row: _readable(buffer[int(starts[row]) : int(ends[row])]),
            _spoiled(buffer, starts, ends),
            self.rejects,
            mended=self.mended,
            counts=None if (counts == 1).all() else counts,
        )


def _kept(
    buffer: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], good: npt.NDArray[np.bool_]
) -> bytes:
    """The text of the good rows, copied in runs."""
    edges = np.flatnonzero(np.diff(good.astype(np.int8), prepend=0, append=0))
    return b"".join(
        buffer[int(starts[first]) : int(ends[after - 1]) + 1]
        for first, after in zip(edges[0::2], edges[1::2], strict=True)
    )


def _doubled(text: bytes, dialect: Dialect) -> bytes:
    """Escaped quotes as doubled ones, which is what Polars reads."""
    escape, quote = dialect.escape.encode(), dialect.quote.encode()
    parts = [part.replace(escape + quote, quote + quote) for part in text.split(escape + escape)]
    return escape.join(parts)


def _spoiled(buffer: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> dict[int, str]:
    """Rows with bytes that no text has."""
    reasons: dict[int, str] = {}
    for mark, reason in ((b"\0", "the line has NUL bytes"), (MARK_BYTES, "the line has bytes that are no text")):
        # One byte is found faster than three, and few texts have it.
        position = buffer.find(mark) if mark[:1] in buffer else -1
        while position >= 0:
            row = int(np.searchsorted(starts, position, side="right")) - 1
            if row >= 0 and position < ends[row]:
                reasons.setdefault(row, reason)
                position = buffer.find(mark, int(ends[row]))
            else:
                position = buffer.find(mark, position + 1)
    return reasons
