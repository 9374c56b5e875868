"""What a sheet of a workbook says beside its values: its size, merged and hidden cells, and money in number formats."""

import re
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from worker import amounts
from worker.ingest import xlsx_formats, xlsx_grid

_SMALL = 2 << 20  # bytes of a sheet whose cells are counted one by one
_ATTRIBUTE = re.compile(rb"""\b(\w+)=["']([^"']*)["']""")
_HIDDEN = rb"""(?=[^>]*\shidden=["'](?:1|true)["'])"""
_HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\b" + _HIDDEN + rb"""[^>]*\sr=["'](\d+)["']""")
_HIDDEN_COLUMN = re.compile(rb"<(?:\w+:)?col\b" + _HIDDEN + rb"([^>]*)>")
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*\bref=["']([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)["']""")
_FILLED = re.compile(rb"""<(?:\w+:)?c\s[^>]*\br=["']([A-Z]{1,3})\d+["'][^>]*[^/>]>""")


@dataclass(frozen=True, slots=True)
class Merge:
    """A rectangle whose upper left cell covers the others; rows and columns count from 1."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @property
    def reference(self) -> str:
        start, end = xlsx_grid.letters_of(self.first_column), xlsx_grid.letters_of(self.last_column)
        return f"{start}{self.first_row}:{end}{self.last_row}"


@dataclass(frozen=True, slots=True)
class Look:
    """What a sheet says beside its values; rows and columns count from 1."""

    first_column: int = 1  # of the cells that hold something
    merges: list[Merge] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    money: dict[tuple[int, str], "array[int]"] = field(default_factory=dict)  # (column, mark) -> rows


def look(archive: zipfile.ZipFile, sheet: str) -> Look:
    """What the sheet of this name says. Nothing where the workbook lists its sheets in an unusual way."""
    part = _part_of(archive, sheet)
    if part is None:
        return Look()
    found = Look()
    marks = xlsx_formats.marks_of(archive)
    money = _cells_styled(marks)
    first = 1 << 30
    for data in _pieces(archive, part):
        first = min(first, _first_column(data, first))
        if b"hidden" in data:
            found.hidden_rows.extend(int(row) for row in _HIDDEN_ROW.findall(data))
            for attributes in map(dict, map(_ATTRIBUTE.findall, _HIDDEN_COLUMN.findall(data))):
                start, stop = int(attributes.get(b"min", 1)), int(attributes.get(b"max", 0))
                found.hidden_columns.extend(range(start, min(stop, 16_384) + 1))
        if b"mergeCell" in data:
            for left, top, right, bottom in _MERGED.findall(data):
                columns = xlsx_grid.number_of(left.decode()), xlsx_grid.number_of(right.decode())
                found.merges.append(Merge(int(top), int(bottom), *columns))
        for style, letters, row in money.findall(data) if money else ():
            key = xlsx_grid.number_of(letters.decode()), marks[int(style)]
            found.money.setdefault(key, array("q")).append(int(row))
    return Look(1 if first == 1 << 30 else first, found.merges, found.hidden_rows, found.hidden_columns, found.money)


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    names = set(archive.namelist())
    return next((part for part, name in xlsx_grid.sheets_of(archive).items() if name == sheet and part in names), None)


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The bytes of a part, cut in front of tags."""
    tail = b""
    for block in xlsx_grid.blocks_of(archive, part):
        data = tail + block
        cut = max(0, data.rfind(b"<"))
        yield data[:cut]
        tail = data[cut:]
    yield tail


def _first_column(data: bytes, known: int) -> int:
    """The first column of the cells that are not empty, as far as it lies before the one that is known."""
    if known == 1:
        return known
    return min((xlsx_grid.number_of(letters.decode()) for letters in set(_FILLED.findall(data))), default=known)


def _cells_styled(marks: dict[int, str]) -> re.Pattern[bytes] | None:
    """Finds the style, column and row of the cells that have one of these styles."""
    if not marks:
        return None
    styles = "|".join(map(str, marks)).encode()
    return re.compile(
        rb"""<(?:\w+:)?c\s(?=[^>]*\bs=["'](""" + styles + rb""")["'])[^>]*\br=["']([A-Z]{1,3})(\d+)["']"""
    )


def sizes(archive: zipfile.ZipFile) -> dict[str, tuple[int, int]]:
    """Name of each sheet -> its rows and columns that hold something; of a large one, the place of its last cell."""
    names = set(archive.namelist())
    return {sheet: _size(archive, part) for part, sheet in xlsx_grid.sheets_of(archive).items() if part in names}


def _size(archive: zipfile.ZipFile, part: str) -> tuple[int, int]:
    if archive.getinfo(part).file_size <= _SMALL:
        cells = xlsx_grid.CellCount(archive, part)
        return len(cells.rows), len(cells.columns)
    return xlsx_grid.extent(archive, part)


# --- Values into the cells that show them ---


def with_money(frame: pl.DataFrame, numbers: pl.DataFrame, sheet: Look) -> pl.DataFrame:
    """The cells with the currency that their number format shows in front: "EUR 12.5"."""
    changed: dict[str, pl.Series] = {}
    for (column, mark), rows in sheet.money.items():
        place = column - sheet.first_column
        if not 0 <= place < frame.width:
            continue
        name = frame.columns[place]
        cells = changed.get(name, frame[name])
        is_marked = np.zeros(len(frame), dtype=bool)
        lines = np.asarray(rows, dtype=np.int64) - 1
        is_marked[lines[(lines >= 0) & (lines < len(frame))]] = True
        mask = pl.Series(is_marked) & numbers[name]
        changed[name] = cells.zip_with(~mask, pl.Series([f"{mark} "]).new_from_index(0, len(cells)) + cells)
    return frame.with_columns(series.alias(name) for name, series in changed.items())


def fill_down(frames: Sequence[pl.DataFrame], sheet: Look) -> tuple[list[pl.DataFrame], list[Merge]]:
    """The frames, of which the first holds the texts, with every merged cell's value in the rows that it covers, in
    its first column; and the merges that did so."""
    return _filled(frames, sheet, [(merge, merge.first_column, merge.first_column, 0) for merge in sheet.merges])


def fill_across(frames: Sequence[pl.DataFrame], sheet: Look, skip: int) -> tuple[list[pl.DataFrame], list[Merge]]:
    """As `fill_down`, in the other columns that merged cells cover, behind the first `skip` rows: a head over several
    columns is the name of none of them."""
    wide = [merge for merge in sheet.merges if merge.last_column > merge.first_column and merge.last_row > skip]
    return _filled(frames, sheet, [(merge, merge.first_column + 1, merge.last_column, skip) for merge in wide])


def _filled(
    frames: Sequence[pl.DataFrame], sheet: Look, areas: Sequence[tuple[Merge, int, int, int]]
) -> tuple[list[pl.DataFrame], list[Merge]]:
    texts = frames[0]
    if not areas or not len(texts):
        return list(frames), []
    # A row of which merged cells cover all is the lower part of the row above.
    is_own = texts.select(pl.any_horizontal(pl.all().str.strip_chars() != "")).to_series().to_list()
    cells: list[dict[int, list[object]]] = [{} for _ in frames]
    budget, done = texts.height * texts.width, []
    for merge, left, right, skip in areas:
        row, column = merge.first_row - 1, merge.first_column - sheet.first_column
        if not (0 <= row < texts.height and 0 <= column < texts.width) or not texts[row, column].strip():
            continue
        values = [frame[row, column] for frame in frames]
        rows = [i for i in range(max(row, skip), min(merge.last_row, texts.height)) if is_own[i]]
        columns = range(max(0, left - sheet.first_column), min(right - sheet.first_column + 1, texts.width))
        budget -= len(rows) * len(columns)
        if budget < 0:  # merges that lie upon each other, which no program writes
            break
        rows = rows if column not in columns else [i for i in rows if i != row]
        if rows and columns:
            done.append(merge)
        for place in columns:
            for frame, changed, value in zip(frames, cells, values, strict=True):
                target = changed.setdefault(place, frame.to_series(place).to_list()) if rows else []
                for i in rows:
                    target[i] = value
    new = [
        frame.with_columns(
            pl.Series(frame.columns[place], values, dtype=frame.dtypes[place]) for place, values in changed.items()
        )
        for frame, changed in zip(frames, cells, strict=True)
    ]
    return new, done


# --- Sentences ---


def of_merges(merges: Sequence[Merge]) -> Iterator[str]:
    """That merged cells stand for the ones that they cover."""
    every = sorted(set(merges), key=lambda merge: (merge.first_row, merge.first_column))
    if len(every) == 1:
        yield f"The merged cell {every[0].reference} counts in every row and column that it covers."
    elif every:
        yield (
            f"{len(every):,} merged cells, {every[0].reference} the first, count in every row and column that "
            "they cover."
        )


def of_hidden(sheet: Look, skip: int, rows: int, columns: Sequence[str]) -> Iterator[str]:
    """That hidden rows (of `rows`, behind the first `skip`) and columns (named) are read like the others."""
    hidden = [row for row in sheet.hidden_rows if skip < row <= rows]
    if hidden:
        which = f"Row {hidden[0]} is" if len(hidden) == 1 else f"{len(hidden):,} rows, {hidden[0]} the first, are"
        yield f"{which} hidden in the workbook and read like the others."
    places = [place - sheet.first_column for place in sheet.hidden_columns]
    named = [columns[place] for place in places if 0 <= place < len(columns)]
    if named:
        which = amounts.listed([repr(name) for name in named[:5]] + ["others"] * (len(named) > 5))
        are = "column {} is" if len(named) == 1 else "columns {} are"
        yield f"The {are.format(which)} hidden in the workbook and read like the others."


def of_sheets(chosen: str, labels: dict[str, str], others: Sequence[str]) -> Iterator[str]:
    """Which sheet is read, and what others there are. `labels`: name -> size in words; `others`: those that look like
    tables of products too."""
    if len(labels) < 2:
        return
    rest = [f"{name!r} ({label})" if label else repr(name) for name, label in labels.items() if name != chosen]
    more = [f"{len(rest) - 8} more"] * (len(rest) > 8)
    size = f" ({labels[chosen]})" if labels[chosen] else ""
    yield (
        f"The workbook has {len(labels)} sheets; only {chosen!r}{size} is read, not {amounts.listed(rest[:8] + more)}."
    )
    if others:
        look = "looks" if len(others) == 1 else "look"
        names = amounts.listed([repr(name) for name in others[:8]])
        yield f"{names} {look} like a table of products too; choose the sheet if another one is meant."
