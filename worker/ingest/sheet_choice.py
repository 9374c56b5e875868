"""The sheet of a workbook that holds the table of products, not its cover, notes or summary."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import fastexcel
import polars as pl

from db.errors import UnreadableFile
from worker import amounts
from worker.ingest import columns, header, xlsx_grid, xlsx_sheet
from worker.ingest.header import Row

_LOOKED_AT = 200  # rows of a sheet
_FAR_SMALLER = 0.25  # of the longest like table: a summary of it, or an example


@dataclass(frozen=True, slots=True)
class Choice:
    """A sheet to be read, with what is to be said of the others."""

    name: str
    frame: pl.DataFrame  # its cells as strings, not null
    labels: dict[str, str]  # every sheet -> its size in words, "" where nobody can tell
    others: list[str]  # sheets that look like tables of products too


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    frame: pl.DataFrame
    worth: int  # 3 = products with prices, 2 = products, 1 = rows, below a header or not


def choose(workbook: fastexcel.ExcelReader, source: Path | bytes, forced: str | None) -> Choice:
    """The forced sheet, else the first visible one that looks like a table of products; a hidden one where no other
    has rows. Raises UnreadableFile."""
    every = workbook.sheet_names
    if forced and forced not in every:
        raise UnreadableFile(f"The workbook has no sheet {forced!r}; it has {amounts.listed([*map(repr, every)])}.")
    sizes: dict[str, tuple[int, int]] = {}
    if len(every) > 1:
        with xlsx_grid.archive(source) as archive:
            sizes = xlsx_sheet.sizes(archive)
    labels = {name: _label(sizes.get(name)) for name in every}
    if forced:
        frame, _ = _read(workbook, forced)
        if frame.is_empty():
            raise UnreadableFile(f"The sheet {forced!r} has no rows.")
        return Choice(forced, frame, labels, [])
    full: list[_Sheet] = []
    hidden: list[str] = []
    for name in every:
        if sizes.get(name) == (0, 0):
            continue
        frame, is_visible = _read(workbook, name)
        if not is_visible:
            hidden.append(name)
        elif not frame.is_empty():
            full.append(_Sheet(name, frame, _worth(frame) if len(every) > 1 else 1))
    for name in hidden:
        labels[name] = ", ".join(filter(None, [labels[name], "hidden"]))
    if not full:
        frames = [(name, _read(workbook, name)[0]) for name in hidden]
        full = [_Sheet(name, frame, _worth(frame)) for name, frame in frames if not frame.is_empty()]
    if not full:
        raise UnreadableFile("The workbook has no rows.")
    best = max(each.worth for each in full)
    alike = [each for each in full if each.worth == best]
    longest = max(len(each.frame) for each in alike)
    chosen = next(each for each in alike if len(each.frame) >= _FAR_SMALLER * longest)
    others = [each.name for each in alike if each is not chosen and best == 3]
    return Choice(chosen.name, chosen.frame, labels, others)


def _read(workbook: fastexcel.ExcelReader, name: str) -> tuple[pl.DataFrame, bool]:
    sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    if not (sheet.height and sheet.width):
        return pl.DataFrame(), sheet.visible == "visible"
    return sheet.to_polars().select(pl.all().cast(pl.String).fill_null("")), sheet.visible == "visible"


def _label(size: tuple[int, int] | None) -> str:
    if size is None:
        return ""
    rows, width = size
    return f"{amounts.count(rows, 'row')}, {amounts.count(width, 'column')}" if rows else "empty"


def _worth(frame: pl.DataFrame) -> int:
    head = frame.head(_LOOKED_AT)
    layout = layout_of([Row(i + 1, list(cells), 1, "\t".join(cells)) for i, cells in enumerate(head.rows())])
    width = len(layout.columns)
    rows = [[*row.cells, *[""] * width][:width] for row in layout.rows if not row.is_blank]
    if width < 2 or not rows:
        return 1
    mapping = columns.propose(layout.columns, rows).mapping
    if layout.header_line is None or "title" not in mapping:
        return 1
    return 3 if "price" in mapping else 2


def layout_of(sample: Sequence[Row]) -> header.Layout:
    """The layout of a sheet's rows. The width of a sheet is that of its widest row: empty cells at the end are no cells
    when looking for a header."""
    return header.layout([replace(row, cells=_trimmed(row.cells)) for row in sample if not row.is_blank])


def _trimmed(cells: Sequence[str]) -> list[str]:
    trimmed = list(cells)
    while trimmed and not trimmed[-1].strip():
        trimmed.pop()
    return trimmed
