"""The size of a workbook's grid and the cells apart from its table, measured before anything is built.

Whoever opens a sheet builds the whole rectangle around its cells: a stray one in the last corner makes it 17 billion
cells. So cells are counted as a stream, and those far away from all others are cut out of a copy.
"""

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

import numpy as np
import numpy.typing as npt

from db.errors import UnreadableFile
from worker.ingest import limits

BROKEN = (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError)
"""What reading a damaged archive raises."""

_BLOCK = 4 << 20
_UNUSUAL = re.compile(rb'<c(?:[/>\t\r\n]| (?!r="))|:c[ />\t\r\n]')  # not <c r=" or with a prefix: rare writers only
_SHARED = re.compile(rb't="s"[^>]*>\s*<v>(\d{1,9})<')
_SAVE_AS_CSV = "delete what stands outside of the table, or save the table as CSV and upload that"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A workbook whose grids are small enough to be built."""

    source: Path | bytes
    strays: dict[str, list[str]]  # name of a sheet -> references of the cells that were cut out of it


@dataclass(frozen=True, slots=True)
class _Stray:
    reference: str
    start: int  # first byte of what is in the cell, in its part
    stop: int


@contextmanager
def archive(source: Path | bytes) -> Iterator[zipfile.ZipFile]:
    """The parts of a workbook. Raises UnreadableFile where they are damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            yield opened
    except BROKEN as error:
        raise UnreadableFile("The workbook is broken and can't be unpacked.") from error


def fit(path: Path) -> Fitted:
    """A workbook that may be opened: the file itself, or a copy without stray cells. Raises UnreadableFile for what is
    too large or broken."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive)
            _check_texts(archive)
            strays = {part: cells for part in _xml(archive) if (cells := _strays(archive, part))}
            if not strays:
                return Fitted(path, {})
            names = sheets_of(archive)
            references = {names.get(part, ""): [stray.reference for stray in cells] for part, cells in strays.items()}
            return Fitted(_without(archive, strays), references)
    except BROKEN as error:
        raise UnreadableFile("The workbook is broken and can't be unpacked.") from error


def _check_size(archive: zipfile.ZipFile) -> None:
    """Unpacks and counts, because the sizes written in an archive may lie; nothing is kept."""
    total = 0
    for entry in archive.infolist():
        for block in blocks_of(archive, entry):
            total += len(block)
            if total > limits.MAX_WORKBOOK:
                raise UnreadableFile("The workbook unpacks to more than 1 GB; save it as CSV and upload that.")


def blocks_of(archive: zipfile.ZipFile, part: str | zipfile.ZipInfo) -> Iterator[bytes]:
    entry = archive.getinfo(part) if isinstance(part, str) else part
    # Read on to the real end of the data, not to the size and checksum that the entry claims.
    entry.file_size = limits.MAX_WORKBOOK + 1
    entry.CRC = None  # type: ignore[assignment]
    with archive.open(entry) as stream:
        while block := stream.read(_BLOCK):
            yield block


def _xml(archive: zipfile.ZipFile) -> list[str]:
    """The parts that may be sheets, whatever they are called."""
    known = ("xl/sharedStrings.xml", "xl/styles.xml")
    return [name for name in archive.namelist() if name.endswith(".xml") and name not in known]


def sheets_of(archive: zipfile.ZipFile) -> dict[str, str]:
    """Part -> name of the sheet, as far as the workbook's own list is written in the usual way."""
    listed: dict[str, str] = {}

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag.endswith("sheet") and "r:id" in attributes:
            listed[attributes["r:id"]] = attributes.get("name", "")

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if tag.endswith("Relationship") and attributes.get("Id") in listed:
            target = attributes.get("Target", "").lstrip("/")
            names[target if target.startswith("xl/") else f"xl/{target}"] = listed[attributes["Id"]]

    names: dict[str, str] = {}
    for name, handle in (("xl/workbook.xml", sheet), ("xl/_rels/workbook.xml.rels", relation)):
        if name in archive.namelist():
            parser = expat.ParserCreate()
            parser.StartElementHandler = handle
            parse(archive, name, parser)
    return names


# --- Texts: one that is long and used by many cells is copied into each of them ---


def _check_texts(archive: zipfile.ZipFile) -> None:
    name = "xl/sharedStrings.xml"
    if name not in archive.namelist():
        return
    lengths = _text_lengths(archive, name)
    if lengths.sum() > limits.MAX_WORKBOOK or not len(lengths):
        return
    uses = {part: sum(block.count(b't="s"') for block in blocks_of(archive, part)) for part in _xml(archive)}
    if max(uses.values(), default=0) * int(lengths.max()) <= limits.MAX_TEXTS:
        return
    for part in uses:
        total, tail = 0, b""
        for block in blocks_of(archive, part):
            data = tail + block
            cut = data.rfind(b"<c") if len(data) < 2 * _BLOCK else len(data)
            used = np.array(_SHARED.findall(data[:cut]), dtype="S9").astype(np.int64)
            total += int(lengths[used[used < len(lengths)]].sum())
            tail = data[max(cut, 0) :]
        if total > limits.MAX_TEXTS:
            raise UnreadableFile(f"The texts of the workbook take {total / 1e9:,.0f} GB; {_SAVE_AS_CSV}.")


def _text_lengths(archive: zipfile.ZipFile, name: str) -> npt.NDArray[np.int64]:
    """The bytes between the beginnings of two shared texts, which is a little more than a text has."""
    starts: list[int] = []
    position, tail = 0, b""
    for block in blocks_of(archive, name):
        data = tail + block
        starts += [position - len(tail) + found.start() for found in re.finditer(rb"<si[ />]", data)]
        position, tail = position + len(block), data[-3:]
    return np.diff(np.array([*starts, position], dtype=np.int64)).astype(np.int64)


# --- Cells ---


def _strays(archive: zipfile.ZipFile, part: str) -> list[_Stray]:
    """The cells that must go to make the grid small enough. Raises UnreadableFile."""
    cells_named, last_row, last_column = _quick_count(archive, part)
    if _is_dense(last_row, last_column, cells_named):
        return []
    cells = CellCount(archive, part)
    rows, columns = max(cells.rows, default=0), max(cells.columns, default=0)
    total = cells.rows.total()
    if _is_dense(rows, columns, total):
        return []
    few = max(3, total // 100)
    near_rows, near_columns = _last(cells.rows, few), _last(cells.columns, few)
    boxes = ((rows, near_columns), (near_rows, columns), (near_rows, near_columns))
    for box in boxes:
        if _is_dense(*box, total):
            return CellCount(archive, part, *box).outside
    if cells.is_small(rows, columns):
        return []
    for box in boxes:
        if cells.is_small(*box):
            return CellCount(archive, part, *box).outside
    raise UnreadableFile(
        f"A sheet of the workbook spreads {cells.rows.total():,} cells over {rows:,} rows and {columns:,} columns, "
        f"which is too much to be read; {_SAVE_AS_CSV}."
    )


def _is_dense(rows: int, columns: int, cells: int) -> bool:
    """Whether a grid may be built: it is small, or as large as its cells justify."""
    justified = max(limits.SMALL_GRID, limits.MAX_GRID_PER_CELL * cells)
    return CellCount.is_small(rows, columns) and rows * columns <= justified


def _quick_count(archive: zipfile.ZipFile, part: str) -> tuple[int, int, int]:
    """The number of cells, and the last row and column of the rectangle around them; no cells and a huge rectangle
    where a quick look can't tell."""
    cells = last_row = last_column = 0
    tail = b""
    for block in blocks_of(archive, part):
        data = tail + block
        cut = max(0, data.rfind(b"<"))
        data, tail = data[:cut], data[cut:]
        if _UNUSUAL.search(data) or len(tail) > _BLOCK:
            return 0, limits.MAX_GRID, limits.MAX_GRID
        cells += data.count(b"<c ")
        row, column = _extent(data)
        last_row, last_column = max(last_row, row), max(last_column, column)
    return cells, last_row, last_column


def extent(archive: zipfile.ZipFile, part: str) -> tuple[int, int]:
    """The last row and column of a sheet."""
    _, rows, columns = _quick_count(archive, part)
    if columns < limits.MAX_GRID:
        return rows, columns
    cells = CellCount(archive, part)
    return max(cells.rows, default=0), max(cells.columns, default=0)


def _extent(data: bytes) -> tuple[int, int]:
    """The last row and column named by a reference like <c r="AB12"; (huge, huge) for an odd one."""
    window = np.frombuffer(data + bytes(24), dtype=np.uint8)
    opened = np.flatnonzero(window[:-24] == ord("<"))
    for i, letter in enumerate(b'c r="', 1):
        opened = opened[window[opened + i] == letter]
    place = opened + 6
    row, column = np.zeros(len(place), dtype=np.int64), np.zeros(len(place), dtype=np.int64)
    for _ in range(3):
        sign = window[place]
        is_letter = (sign >= ord("A")) & (sign <= ord("Z"))
        column = np.where(is_letter, column * 26 + sign - 64, column)
        place = place + is_letter
    for _ in range(7):
        sign = window[place]
        is_digit = (sign >= ord("0")) & (sign <= ord("9"))
        row = np.where(is_digit, row * 10 + sign - 48, row)
        place = place + is_digit
    odd = (window[place] != ord('"')) & (place < len(data))
    if odd.any():
        return limits.MAX_GRID, limits.MAX_GRID
    return int(row.max(initial=0)), int(column.max(initial=0))


class CellCount:
    """Counts the cells with a value, by row and by column; collects those outside of a box."""

    def __init__(
        self, archive: zipfile.ZipFile, part: str, last_row: int = 1 << 62, last_column: int = 1 << 62
    ) -> None:
        self.rows: Counter[int] = Counter()
        self.columns: Counter[int] = Counter()
        self.outside: list[_Stray] = []
        self._box = last_row, last_column
        self._row = self._column = 0
        self._inside = False
        self._value: int | None = None  # where what is in the cell begins
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        parse(archive, part, self._parser)

    @staticmethod
    def is_small(rows: int, columns: int) -> bool:
        return rows * columns <= limits.MAX_GRID and columns <= limits.MAX_COLUMNS

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            number = attributes.get("r", "")
            self._row, self._column = int(number) if number.isdecimal() else self._row + 1, 0
        elif tag == "c":
            place = re.fullmatch(r"([A-Z]+)([0-9]+)", attributes.get("r", ""))
            self._column += 1
            if place:
                self._row, self._column = int(place[2]), number_of(place[1])
            self._inside, self._value = True, None
        elif self._inside and self._value is None:
            self._value = self._parser.CurrentByteIndex

    def _end(self, tag: str) -> None:
        if tag.rpartition(":")[2] != "c":
            return
        if self._value is not None:
            self.rows[self._row] += 1
            self.columns[self._column] += 1
            if self._row > self._box[0] or self._column > self._box[1]:
                reference = f"{letters_of(self._column)}{self._row}"
                self.outside.append(_Stray(reference, self._value, self._parser.CurrentByteIndex))
        self._inside = False


def number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def letters_of(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _last(counts: Counter[int], few: int) -> int:
    """The last row (or column) in front of a gap behind which there are only a few cells."""
    used = sorted(counts)
    behind = 0
    last = used[-1]
    for before, after in zip(reversed(used[:-1]), reversed(used[1:]), strict=True):
        behind += counts[after]
        if behind > few:
            break
        if after > before + 1:
            last = before
    return last


def parse(archive: zipfile.ZipFile, part: str, parser: expat.XMLParserType) -> None:
    try:
        for block in blocks_of(archive, part):
            parser.Parse(block)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:  # the last: an encoding that does not exist
        raise UnreadableFile(
            "The workbook is broken or not a real .xlsx; open it in Excel and save it again."
        ) from error


# --- A copy without the strays ---


def _without(archive: zipfile.ZipFile, strays: dict[str, list[_Stray]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        for name in dict.fromkeys(archive.namelist()):
            with copy.open(name, "w", force_zip64=True) as target:
                for piece in _kept(blocks_of(archive, name), strays.get(name, [])):
                    target.write(piece)
    return buffer.getvalue()


def _kept(blocks: Iterator[bytes], strays: list[_Stray]) -> Iterator[bytes]:
    """The bytes outside of the strays, which are in order: their cells stay and are empty."""
    position, todo = 0, strays[::-1]
    for block in blocks:
        start, stop = position, position + len(block)
        while todo and todo[-1].start < stop:
            yield block[max(0, start - position) : max(0, todo[-1].start - position)]
            start = max(start, todo[-1].stop)
            if todo[-1].stop > stop:
                break
            todo.pop()
        yield block[start - position :]
        position = stop
