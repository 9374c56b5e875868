"""Writes a workbook as it stands, with cells appended to the rows of the sheet that was read.

Only that sheet's part of the archive is touched, and in it only what is appended: formats, formulas, other sheets and
everything else stay byte by byte. Tables, filters and print areas are not widened to the new columns.
"""

import re
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape

import polars as pl

from db.errors import UnreadableFile, UserError
from worker import amounts
from worker.ingest import read, xlsx_grid
from worker.ingest.types import Inspection
from worker.pricing.priced_file.appended import NAMES, names_beside, plain

_CSV_INSTEAD = "save the table as CSV and upload that, or export the predictions as a table of their own"
_REFERENCE = re.compile(r"([A-Z]+)([0-9]+)")
_SPANS = re.compile(rb'(\sspans="\d+:)(\d+)"')
_DIMENSION = re.compile(rb'(\sref="[A-Z]+[0-9]+)(?::([A-Z]+)([0-9]+))?"')

_Values = tuple[float | None, float | None, float | None, str, str]
"""Of one row: price, low, high, flag and reason."""


def write(source: Path, inspection: Inspection, price_column: str, lines: pl.DataFrame, target: Path) -> None:
    """Write `source` to `target` with `lines` (appended.LINES) in five columns behind the table.

    A price looks like the cell of her own prices in its row, where there is one. Raises UserError, UnreadableFile.
    """
    layout = read.open_as(source, inspection).layout
    strays = xlsx_grid.fit(source).strays.get(inspection.sheet, [])
    try:
        with zipfile.ZipFile(source) as archive:
            part = _part_of(archive, inspection.sheet)
            first, last = _extent(archive, part, strays)
            place = _Place(
                first=_free(last + 1, strays),
                price=first + layout.columns.index(price_column) if price_column in layout.columns else 0,
            )
            rows: dict[int, list[str]] = {}
            if layout.header_line is not None:
                rows[layout.header_line] = names_beside([*layout.columns, *layout.header])
            with zipfile.ZipFile(target, "w") as copy:
                for name in dict.fromkeys(archive.namelist()):
                    entry = archive.getinfo(name)
                    kept = zipfile.ZipInfo(name, entry.date_time)
                    kept.compress_type = zipfile.ZIP_DEFLATED if entry.compress_type else zipfile.ZIP_STORED
                    kept.external_attr = entry.external_attr
                    pieces: Iterable[bytes] = xlsx_grid.blocks_of(archive, name)
                    if name == part:
                        pieces = _Edit(place, rows, lines).pieces(pieces)
                    with copy.open(kept, "w") as written:
                        for piece in pieces:
                            written.write(piece)
    except (*xlsx_grid.BROKEN, expat.ExpatError) as error:
        raise UnreadableFile(f"The workbook can't be written back; {_CSV_INSTEAD}.") from error


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    part = next((part for part, name in xlsx_grid.sheets_of(archive).items() if name == sheet), None)
    if part is None or part not in archive.namelist():
        raise UserError(f"The sheet {sheet!r} is stored in an unusual way, so nothing can be added; {_CSV_INSTEAD}.")
    if next(iter(xlsx_grid.blocks_of(archive, part)), b"")[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UserError(f"The sheet {sheet!r} is stored as UTF-16, so nothing can be added; {_CSV_INSTEAD}.")
    return part


def _extent(archive: zipfile.ZipFile, part: str, strays: list[str]) -> tuple[int, int]:
    """The first and the last column of the table."""
    columns = xlsx_grid.CellCount(archive, part).columns
    first = min(columns, default=1)
    columns.subtract(_column(stray) for stray in strays)
    return first, max((column for column, cells in columns.items() if cells > 0), default=1)


def _free(first: int, strays: list[str]) -> int:
    """The first of five columns that no cell far away from the table stands in."""
    for column in sorted({_column(stray) for stray in strays}):
        if first <= column < first + len(NAMES):
            first = column + 1
    return first


def _column(reference: str) -> int:
    return xlsx_grid.number_of(reference.rstrip("0123456789"))


@dataclass(frozen=True, slots=True)
class _Place:
    first: int  # of the appended columns, from 1
    price: int  # the column of her prices; 0 = none

    @property
    def last(self) -> int:
        return self.first + len(NAMES) - 1


@dataclass(frozen=True, slots=True)
class _Cell:
    column: int
    start: int  # first byte
    end: int  # behind the last byte
    style: str
    is_number: bool  # or empty
    has_value: bool


@dataclass
class _Edit:
    """One pass over the sheet that puts the cells of each row in, in order and in place of empty ones."""

    place: _Place
    header: Mapping[int, list[str]]  # row -> names
    lines: pl.DataFrame
    _buffer: bytearray = field(default_factory=bytearray)
    _offset: int = 0  # of the buffer in the part
    _edits: deque[tuple[int, int, bytes]] = field(default_factory=deque)  # start, stop, what stands there now
    _safe: int = 0  # nothing before this byte is edited any more
    _row: int = 0
    _row_start: int = -1
    _column: int = 0
    _cell_start: int = -1
    _attributes: dict[str, str] = field(default_factory=dict)
    _has_value: bool = False
    _cells: list[_Cell] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._values = self._in_order()
        self._next = next(self._values, None)

    def _in_order(self) -> Iterator[tuple[int, _Values]]:
        texts = self.lines.with_columns(plain(self.lines["flag"]), plain(self.lines["reason"]))
        numbers = texts.with_columns(pl.col("price", "low", "high").round(amounts.money().places))
        for part in numbers.iter_slices(20_000):
            for line, *values in part.select("line", *NAMES).iter_rows():
                yield line, tuple(values)

    def pieces(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes of the edited part."""
        for block in blocks:
            self._buffer += block
            self._parser.Parse(block)
            yield self._flushed(self._row_start if self._row_start >= 0 else self._safe)
        self._parser.Parse(b"", True)
        yield self._flushed(self._offset + len(self._buffer))
        if self._next is not None:
            raise UserError(f"Row {self._next[0]:,} of the sheet can't be found again; {_CSV_INSTEAD}.")

    def _flushed(self, until: int) -> bytes:
        out, position = bytearray(), self._offset
        while self._edits and self._edits[0][1] <= until:
            start, stop, text = self._edits.popleft()
            out += self._bytes(position, start) + text
            position = stop
        out += self._bytes(position, until)
        del self._buffer[: until - self._offset]
        self._offset = until
        return bytes(out)

    def _bytes(self, start: int, stop: int) -> bytes:
        return bytes(self._buffer[start - self._offset : stop - self._offset])

    def _tag(self, start: int) -> bytes:
        return self._bytes(start, self._offset + self._buffer.index(b">", start - self._offset) + 1)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        index, name = self._parser.CurrentByteIndex, tag.rpartition(":")[2]
        if name == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isdecimal() else self._row + 1
            self._row_start, self._column, self._cells = index, 0, []
        elif name == "c" and self._row_start >= 0:
            place = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = xlsx_grid.number_of(place[1]) if place else self._column + 1
            self._cell_start, self._attributes, self._has_value = index, attributes, False
        elif self._cell_start >= 0:
            self._has_value = True
        elif name == "dimension":
            self._widen(index, _DIMENSION, self._dimension)
        if self._row_start < 0:
            self._safe = index

    def _end(self, tag: str) -> None:
        index, name = self._parser.CurrentByteIndex, tag.rpartition(":")[2]
        if name == "c" and self._cell_start >= 0:
            start = self._cell_start
            inside = self._bytes(start, index)
            is_empty_tag = inside.endswith(b"/>") and inside.count(b"<") == 1
            end = index if is_empty_tag else index + len(self._tag(index))
            kind = self._attributes.get("t", "n")
            cell = _Cell(
                self._column, start, end, self._attributes.get("s", ""), kind == "n", has_value=self._has_value
            )
            self._cells.append(cell)
            self._cell_start = -1
        elif name == "row" and self._row_start >= 0:
            self._end_row(tag.removesuffix("row"))
            self._row_start, self._safe = -1, index

    def _end_row(self, prefix: str) -> None:
        values: _Values | list[str] | None = self.header.get(self._row)
        if values is None and self._next is not None and self._next[0] == self._row:
            values, self._next = self._next[1], next(self._values, None)
        if values is None or not self._cells:
            return
        self._widen(self._row_start, _SPANS, lambda found: b'%b%d"' % (found[1], max(int(found[2]), self.place.last)))
        before = [cell for cell in self._cells if cell.column < self.place.first]
        covered = [cell for cell in self._cells if self.place.first <= cell.column <= self.place.last]
        if any(cell.has_value for cell in covered):
            raise UserError(f"Row {self._row:,} has cells where prices would stand; {_CSV_INSTEAD}.")
        position = before[-1].end if before else self._cells[0].start
        self._edits.append((position, position, self._written(values, before, prefix)))
        self._edits += [(cell.start, cell.end, b"") for cell in covered]

    def _written(self, values: Iterable[float | str | None], before: list[_Cell], prefix: str) -> bytes:
        values = list(values)
        is_header = isinstance(values[0], str)
        hers = next((cell for cell in before if cell.column == self.place.price and cell.is_number), None)
        text_style = before[-1].style if before and is_header else ""
        parts = []
        for number, value in enumerate(values):
            reference = f"{xlsx_grid.letters_of(self.place.first + number)}{self._row}"
            style = (hers.style if hers else "") if isinstance(value, float) else text_style
            head = f'<{prefix}c r="{reference}"' + (f' s="{style}"' if style else "")
            if isinstance(value, str) and value:
                text = escape(value).encode("ascii", "xmlcharrefreplace").decode()
                inside = f"<{prefix}is><{prefix}t>{text}</{prefix}t></{prefix}is>"
                parts.append(f'{head} t="inlineStr">{inside}</{prefix}c>')
            elif isinstance(value, float):
                parts.append(f"{head}><{prefix}v>{value!r}</{prefix}v></{prefix}c>")
        return "".join(parts).encode()

    def _widen(self, start: int, pattern: re.Pattern[bytes], write: object) -> None:
        """Let the tag at `start` name the appended columns too, where it names a last column at all."""
        tag = self._tag(start)
        changed = pattern.sub(write, tag, count=1)  # type: ignore[call-overload]
        if changed != tag:
            self._edits.append((start, start + len(tag), changed))

    def _dimension(self, found: re.Match[bytes]) -> bytes:
        column = found[2].decode() if found[2] else ""
        row = found[3] or found[1].rpartition(b'"')[2].lstrip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        last = xlsx_grid.letters_of(max(xlsx_grid.number_of(column), self.place.last))
        return b'%b:%b%b"' % (found[1], last.encode(), row)
