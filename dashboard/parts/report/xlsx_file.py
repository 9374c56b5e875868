"""A report as a workbook: a sheet of sentences, then a sheet per table, in which numbers are numbers."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dashboard.parts.report.content import Column, Section, Table, Unit, with_names
from dashboard.parts.report.facts import Facts
from worker import amounts
from worker.pricing import export

_WIDEST = 60
"""Characters; longer texts are cut by the sheet, not by us."""
_FORMATS: Mapping[Unit, str] = {
    "share": "0.0%", "log": "0.000", "number": "0.00", "count": "#,##0", "ms": "#,##0.00", "seconds": "#,##0.00",
}  # fmt: skip
_UNITS: Mapping[Unit, str] = {"ms": "ms", "seconds": "s"}


def to_xlsx(facts: Facts, sections: Sequence[Section]) -> bytes:
    """The workbook. A text of anybody that a spreadsheet would run as a formula is made plain, as in every export."""
    import xlsxwriter  # only who takes a workbook away pays for it

    buffer = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(buffer, options) as book:
        _summary(book, facts, sections)
        for section in sections:
            for table in section.tables:
                _sheet(book, table)
    return buffer.getvalue()


def _summary(book: Any, facts: Facts, sections: Sequence[Section]) -> None:
    sheet = book.add_worksheet("Summary")
    head, wrapped = book.add_format({"bold": True, "valign": "top"}), book.add_format({"text_wrap": True})
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 120)
    lines = [("Dataset", facts.dataset.name), ("Date", f"{facts.made_at:%Y-%m-%d %H:%M} UTC")]
    for section in sections:
        said = [with_names(each, facts.names, str, "{}") for each in section.sentences]
        lines += [(section.title, sentence) for sentence in (*said, *section.warnings)]
    for row, (name, sentence) in enumerate(_plain(lines)):
        sheet.write_string(row, 0, name, head)
        sheet.write_string(row, 1, sentence, wrapped)


def _sheet(book: Any, table: Table) -> None:
    sheet = book.add_worksheet(table.name)
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    sheet.freeze_panes(1, 1)
    texts = export.neutralised(table.frame)
    for place, column in enumerate(table.columns):
        unit = _UNITS.get(column.unit)
        label = f"{column.label} ({unit})" if unit else column.label
        values = texts[column.key].to_list()
        form = _form(column, values)
        cell = book.add_format({"num_format": form} if form else {})
        sheet.write_string(0, place, label, head)
        for row, value in enumerate(values, start=1):
            _write(sheet, row, place, column, value, cell)
        longest = max((len(str(value)) for value in values if isinstance(value, str)), default=8)
        sheet.set_column(place, place, min(_WIDEST, max(longest, min(len(label), 16)) + 2))
    if len(table.frame):
        sheet.autofilter(0, 0, len(table.frame), len(table.columns) - 1)


def _write(sheet: Any, row: int, place: int, column: Column, value: Any, cell: Any) -> None:
    if value is None or value != value:
        if column.missing != amounts.NOTHING:
            sheet.write_string(row, place, column.missing)
    elif column.unit == "text":
        sheet.write_string(row, place, str(value))
    else:
        sheet.write_number(row, place, float(value), cell)


def _form(column: Column, values: Sequence[Any]) -> str | None:
    if column.unit not in ("dollars", "price"):
        return _FORMATS.get(column.unit)
    how = amounts.money() if column.unit == "price" else amounts.DOLLARS
    digits = "0" * amounts.decimals(values, how.places)
    number = f'"{how.prefix}"#,##0' + (f".{digits}" if digits else "")
    return f"{number};-{number}"


def _plain(lines: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    frame = pl.DataFrame(lines, schema={"name": pl.String, "said": pl.String}, orient="row")
    return export.neutralised(frame).rows()
