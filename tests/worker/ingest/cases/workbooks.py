"""Workbooks as people make them: cover sheets, merged and hidden cells, money in number formats, stray cells."""

import io
from collections.abc import Callable

import xlsxwriter

from tests.worker.ingest.cases.base import LAMP, MUG, RUG, THREE, Case, workbook, workbook_part, zipped
from tests.worker.ingest.cases.containers import SHEET, SHEET_XML

Cell = object


def book(build: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_numbers": False, "strings_to_formulas": False}) as made:
        build(made)
    return buffer.getvalue()


def filled(sheet: "xlsxwriter.workbook.Worksheet", rows: list[list[Cell]], down: int = 0, right: int = 0) -> None:
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            if value is not None:
                sheet.write(i + down, j + right, value)


def priced(number_format: str, *more: str) -> bytes:
    """A table whose prices are numbers in this format, the last of them in the others."""

    def build(made: xlsxwriter.Workbook) -> None:
        sheet = made.add_worksheet("P")
        filled(sheet, SHEET)
        for i, shown in enumerate([number_format] * (3 - len(more)) + list(more)):
            sheet.write_number(i + 1, 2, float(str(SHEET[i + 1][2])), made.add_format({"num_format": shown}))

    return book(build)


def _merged_down(made: xlsxwriter.Workbook) -> None:
    sheet = made.add_worksheet("P")
    filled(sheet, [["category", "id", "title", "price"], *[[None, *row] for row in SHEET[1:]]])
    sheet.merge_range("A2:A3", "Lighting")
    sheet.write("A4", "Rugs")


def _merged_down_beside_an_empty_column(made: xlsxwriter.Workbook) -> None:
    sheet = made.add_worksheet("P")
    filled(sheet, [["category", "id", "title", "price"], *[[None, *row] for row in SHEET[1:]]], down=2, right=1)
    sheet.merge_range("B1:E1", "Price list")
    sheet.merge_range("B4:B6", "Home")


def _merged_header(made: xlsxwriter.Workbook) -> None:
    sheet = made.add_worksheet("P")
    sheet.merge_range("A1:A2", "id")
    sheet.merge_range("B1:B2", "title")
    sheet.merge_range("C1:D1", "Prices")
    filled(sheet, [["price", "sale price"]], down=1, right=2)
    filled(sheet, [[*row, 1] for row in SHEET[1:]], down=2)


def _merged_section(made: xlsxwriter.Workbook) -> None:
    sheet = made.add_worksheet("P")
    filled(sheet, [SHEET[0], SHEET[1]])
    sheet.merge_range("A3:C3", "Kitchen")
    filled(sheet, SHEET[2:], down=3)


def _merged_price(made: xlsxwriter.Workbook) -> None:
    sheet = made.add_worksheet("P")
    filled(sheet, [SHEET[0], ["a1", "Desk lamp"], ["a2", "Blue mug"], ["a3", "Wool rug", 99.99]])
    sheet.merge_range("C2:C3", 12.5)


def _hidden(made: xlsxwriter.Workbook) -> None:
    sheet = made.add_worksheet("P")
    filled(sheet, [[*row, "x"] for row in SHEET])
    sheet.set_row(2, None, None, {"hidden": True})
    sheet.set_column("D:D", None, None, {"hidden": True})


def _filtered(made: xlsxwriter.Workbook) -> None:
    sheet = made.add_worksheet("P")
    filled(sheet, SHEET)
    sheet.autofilter("A1:C4")
    sheet.filter_column("A", "x == a1")
    for row in (2, 3):
        sheet.set_row(row, None, None, {"hidden": True})


COVER: list[list[Cell]] = [["Lamps & more"], ["Price list 2024"], [None], ["Contact", "Ann"], ["Phone", "555 1234"]]
PIVOT: list[list[Cell]] = [["Row Labels", "Sum of price"], ["Lighting", 12.5], ["Kitchen", 7], ["Grand Total", 19.5]]
MANY: list[list[Cell]] = [["id", "title", "price"], *[[f"p{i}", f"Thing no. {i}", i + 0.5] for i in range(30)]]
MANY_ITEMS = [(f"p{i}", f"Thing no. {i}", i + 0.5) for i in range(30)]


def _stray(reference: str) -> bytes:
    row = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    cell = f'<row r="{row}"><c r="{reference}"><v>7</v></c></row></sheetData>'
    return workbook_part(workbook(("P", SHEET)), SHEET_XML, lambda xml: xml.replace(b"</sheetData>", cell.encode()))


WORKBOOKS = [
    Case("workbook, cover sheet first", "t.xlsx", workbook(("Cover", COVER), ("Products", SHEET)), THREE),
    Case(
        "workbook, cover, list of categories, then the products",
        "t.xlsx",
        workbook(("Cover", COVER), ("Categories", [["id", "name"], [1, "Home"], [2, "Office"]]), ("Goods", SHEET)),
        THREE,
    ),
    Case("workbook, pivot table first", "t.xlsx", workbook(("Summary", PIVOT), ("Data", MANY)), MANY_ITEMS),
    Case("workbook, two like tables", "t.xlsx", workbook(("2024", SHEET), ("2023", SHEET[:3])), THREE),
    Case(
        "workbook, products only on a hidden sheet",
        "t.xlsx",
        workbook(("Cover", []), ("Data", SHEET), hidden=["Data"]),
        THREE,
    ),
    Case(
        "workbook, notes after the products",
        "t.xlsx",
        workbook(("Goods", SHEET), ("Notes", [["To do"], ["ask Ann"], ["ask Bob"], ["sell"], ["buy"], ["rest"]])),
        THREE,
    ),
    Case(
        "workbook, categories merged down",
        "t.xlsx",
        book(_merged_down),
        THREE,
        more={"category": ["Lighting", "Lighting", "Rugs"]},
    ),
    Case(
        "workbook, merged cells, the first column empty",
        "t.xlsx",
        book(_merged_down_beside_an_empty_column),
        THREE,
        header_line=3,
        more={"category": ["Home", "Home", "Home"]},
        mapping={"category": "category"},
    ),
    Case("workbook, merged header of two lines", "t.xlsx", book(_merged_header), THREE, header_line=2),
    Case("workbook, a section's head merged across", "t.xlsx", book(_merged_section), THREE, {3: "'Kitchen'"}),
    Case(
        "workbook, one price merged over two rows", "t.xlsx", book(_merged_price), [LAMP, ("a2", "Blue mug", 12.5), RUG]
    ),
    Case("workbook, hidden row and column", "t.xlsx", book(_hidden), THREE),
    Case("workbook, filtered rows", "t.xlsx", book(_filtered), THREE),
    Case("workbook, euros by format", "t.xlsx", priced("#,##0.00 [$€-407]"), THREE),
    Case("workbook, pounds by format", "t.xlsx", priced('"£"#,##0.00'), THREE),
    Case("workbook, zloty by format", "t.xlsx", priced('#,##0.00\\ "zł"'), THREE),
    Case(
        "workbook, accounting format", "t.xlsx", priced("_-* #,##0.00\\ [$€-1]_-;-* #,##0.00\\ [$€-1]_-;_-@_-"), THREE
    ),
    Case("workbook, Canadian dollars by format", "t.xlsx", priced("[$$-1009]#,##0.00"), THREE),
    Case("workbook, Swedish crowns by format", "t.xlsx", priced("#,##0.00\\ [$kr-41D]"), THREE),
    Case("workbook, code by format", "t.xlsx", priced("[$CHF-807]\\ #,##0.00"), THREE),
    Case(
        "workbook, two currencies by format",
        "t.xlsx",
        priced("#,##0.00 [$€-407]", '"£"#,##0.00'),
        [LAMP, MUG],
        {4: "is in GBP"},
    ),
    Case("workbook, format without a currency", "t.xlsx", priced('#,##0.00 "each"'), THREE),
    *(
        Case(f"workbook, stray cell at {place}", "t.xlsx", _stray(place), THREE, {1_048_576: "far away"})
        for place in ("CV1048576", "A1048576", "J1048576", "XFA1048576")
    ),
    Case(
        "binary workbook",
        "t.xlsb",
        zipped("xl/workbook.bin", b"\x83\x01\x00"),
        error="binary workbook (.xlsb); open it in Excel and save it as .xlsx",
    ),
    Case("OpenDocument sheet", "t.ods", zipped("content.xml", b"<office/>"), error="an OpenDocument sheet"),
    Case("Numbers document", "t.numbers", zipped("Index/Document.iwa", b"\x00"), error="Numbers; export it"),
]
