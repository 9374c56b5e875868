"""Opens a workbook."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastexcel
import numpy as np
import polars as pl

from db.errors import UnreadableFile
from worker.files.formats import Compression
from worker.ingest import header, limits, sheet_choice, xlsx_errors, xlsx_grid, xlsx_sheet
from worker.ingest.header import Row
from worker.ingest.open_table import Table, clean
from worker.ingest.types import Cells, Inspection, Reject, names

_ROWS = 50_000
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STRAY = "this stands far away from the table"


def open_sheet(path: Path, compression: Compression, forced: dict[str, Any]) -> Table:
    """Open the sheet that holds the table, or the forced one. Cells are strings as Excel stores them: numbers have a
    decimal point, behind the currency that their format shows, and formulas are their last results. Merged cells
    stand in every row and column that they cover. Raises UnreadableFile."""
    del compression  # it packs by itself
    fitted = xlsx_grid.fit(path)
    try:
        workbook = fastexcel.read_excel(fitted.source)
        choice = sheet_choice.choose(workbook, fitted.source, forced.get("sheet"))
        sheet, frame = choice.name, choice.frame
        numbers = _numbers(workbook, sheet)
        with xlsx_grid.archive(fitted.source) as archive:
            about = xlsx_sheet.look(archive, sheet)
    except fastexcel.FastExcelError as error:
        raise UnreadableFile(
            "The workbook is broken or not a real .xlsx; open it in Excel and save it again."
        ) from error
    width = frame.width
    frame.columns = numbers.columns = names(width)
    frame = xlsx_sheet.with_money(frame, numbers, about)
    (frame, numbers), merged = xlsx_sheet.fill_down((frame, numbers), about)
    layout = _layout(_sample(frame, numbers), forced)
    (frame, numbers), wide = xlsx_sheet.fill_across((frame, numbers), about, layout.skip_lines)
    if wide:
        layout = replace(layout, rows=_sample(frame, numbers)[layout.skip_lines :])
    # Formatting alone can widen a sheet; every row still has as many cells as the sheet.
    columns = layout.columns + [f"column_{i + 1}" for i in range(len(layout.columns), width)]
    layout = replace(layout, columns=columns)
    merges = [merge for merge in (*merged, *wide) if merge.last_row > layout.skip_lines]
    warnings = [
        *xlsx_sheet.of_sheets(sheet, choice.labels, choice.others),
        *xlsx_sheet.of_merges(merges),
        *xlsx_sheet.of_hidden(about, layout.skip_lines, len(frame), columns),
        *xlsx_errors.warnings_of(path, sheet),
    ]
    strays = fitted.strays.get(sheet, [])
    if strays:
        warnings.append(_about(strays))

    def cells(wanted: Sequence[int]) -> Iterator[Cells]:
        del wanted
        body = frame.slice(layout.skip_lines)
        for start in range(0, len(body), _ROWS):
            part = body.slice(start, _ROWS)
            lines = np.arange(start, start + len(part), dtype=np.int64) + layout.skip_lines + 1
            full = part.select(pl.any_horizontal(pl.all().str.strip_chars() != "")).to_series()
            typed = numbers.slice(layout.skip_lines + start, _ROWS).filter(full)
            yield _cells(part.filter(full), lines[full.to_numpy()], typed)
        far: dict[int, list[str]] = {}
        for name in strays:
            far.setdefault(int(name.lstrip(_LETTERS)), []).append(name)
        # A line that holds nothing else would be lost without a word.
        alone = [line for line in far if line > layout.skip_lines and not _is_filled(frame, line)]
        lost = [Reject(line, " ".join(far[line]), _STRAY) for line in alone]
        yield Cells(frame.clear(), np.empty(0, np.int64), lambda _: "", {}, lost)

    return Table(
        Inspection(kind="xlsx", sheet=sheet, sheets=list(choice.labels.items()), warnings=warnings), layout, cells
    )


def _is_filled(frame: pl.DataFrame, line: int) -> bool:
    return line <= len(frame) and any(cell.strip() for cell in frame.row(line - 1))


def _about(strays: list[str]) -> str:
    if len(strays) == 1:
        return f"The cell {strays[0]} stands far away from the table and is left out."
    return f"{len(strays)} cells, {strays[0]} the first, stand far away from the table and are left out."


def _cells(frame: pl.DataFrame, lines: "np.ndarray[Any, np.dtype[np.int64]]", numbers: pl.DataFrame) -> Cells:
    return Cells(frame, lines, lambda row: clean("\t".join(frame.row(row))), {}, [], numbers.to_dict())


def _numbers(workbook: fastexcel.ExcelReader, sheet: str) -> pl.DataFrame:
    """The cells that are numbers, not text that looks like one; as many rows and columns as the sheet.

    As truth values, because that is the one type that numbers become and text does not.
    """
    values: pl.DataFrame = workbook.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="boolean").to_polars()
    return values.select(pl.all().is_not_null())


def _sample(frame: pl.DataFrame, numbers: pl.DataFrame) -> list[Row]:
    head = zip(frame.head(limits.SAMPLE_ROWS).rows(), numbers.head(limits.SAMPLE_ROWS).rows(), strict=True)
    return [
        Row(i + 1, list(cells), 1, "\t".join(cells), frozenset(j for j, is_one in enumerate(typed) if is_one))
        for i, (cells, typed) in enumerate(head)
    ]


def _layout(sample: list[Row], forced: dict[str, Any]) -> header.Layout:
    if "header_line" not in forced:
        layout = sheet_choice.layout_of(sample)
        if layout.header_line is not None:
            return header.at_line(sample, layout.header_line)
        return header.without_header(sample, layout.skip_lines)
    if forced["header_line"] is None:
        return header.without_header(sample, header.after_preamble(sample, forced.get("preamble", 0)))
    return header.at_line(sample, forced["header_line"])
