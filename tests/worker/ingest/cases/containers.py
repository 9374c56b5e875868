"""Workbooks, Parquet and gzip files that can be read."""

import datetime as dt
import gzip
from decimal import Decimal

import polars as pl
import pyarrow as pa

from tests.worker.ingest.cases.base import (
    HEAD,
    LAMP,
    MUG,
    PLAIN,
    ROWS,
    THREE,
    Case,
    arrow_parquet,
    lines,
    no_utf8,
    parquet,
    workbook,
    workbook_part,
)

SHEET: list[list[object]] = [
    ["id", "title", "price"],
    ["a1", "Desk lamp", 12.5],
    ["a2", "Blue mug", 7],
    ["a3", "Wool rug", 99.99],
]
FRAME = pl.DataFrame(
    {"id": ["a1", "a2", "a3"], "title": ["Desk lamp", "Blue mug", "Wool rug"], "price": [12.5, 7.0, 99.99]}
)

SHEET_XML = "xl/worksheets/sheet1.xml"
CORNER = b'<row r="1048576"><c r="XFD1048576"><v>7</v></c></row></sheetData>'
RIGHT = b'<c r="XFD1"><v>7</v></c></row>'

CONTAINERS = [
    Case("gzip", "t.csv.gz", gzip.compress(PLAIN), THREE),
    Case(
        "gzip of UTF-16 with CRLF", "t.csv.gz", gzip.compress(lines(HEAD, *ROWS, end="\r\n", encoding="utf-16")), THREE
    ),
    Case(
        "gzip in two members",
        "t.csv.gz",
        gzip.compress(PLAIN) + gzip.compress(b"a4,Vase,4\n"),
        [*THREE, ("a4", "Vase", 4.0)],
    ),
    Case("gzip named .csv", "t.csv", gzip.compress(PLAIN), THREE),
    Case(
        "gzip with an unclosed quote and NUL bytes",
        "t.csv.gz",
        gzip.compress(lines(HEAD, ROWS[0], 'b1,"Lost,5', "b2,\0,5", *ROWS[1:])),
        THREE,
        {3: "never closed", 4: "NUL"},
    ),
    Case("workbook", "t.xlsx", workbook(("Products", SHEET)), THREE),
    Case(
        "workbook with preamble and gaps",
        "t.xlsx",
        workbook(("P", [["Price list"], [], *SHEET[:2], [], *SHEET[2:]])),
        THREE,
        header_line=3,
    ),
    Case(
        "workbook without a header",
        "t.xlsx",
        workbook(("P", [["a1", "Desk lamp with shade", 12.5], ["a2", "Blue mug for tea", 7]])),
        [("a1", "Desk lamp with shade", 12.5), ("a2", "Blue mug for tea", 7.0)],
        header_line=None,
    ),
    Case(
        "workbook, empty and hidden sheets first",
        "t.xlsx",
        workbook(("Empty", []), ("Secret", SHEET[:2]), ("P", SHEET), hidden=["Secret"]),
        THREE,
    ),
    Case(
        "workbook, prices as text",
        "t.xlsx",
        workbook(
            (
                "P",
                [
                    SHEET[0],
                    ["a1", "Desk lamp", "12,50 €"],
                    ["a2", "Blue mug", 7],
                    ["b1", "Vase", "dear"],
                    [None, None, 5],
                    [1, "Cup", None],
                ],
            )
        ),
        [LAMP, MUG, ("1", "Cup", None)],
        {4: "'dear'", 5: "no title"},
    ),
    Case(
        "workbook, header repeated, wide preamble",
        "t.xlsx",
        workbook(("P", [["Shop", None, None, None, "x"], *SHEET, SHEET[0]])),
        THREE,
        {6: "repeated"},
        header_line=2,
    ),
    Case(
        "workbook with a stray cell in the last corner",
        "t.xlsx",
        workbook_part(workbook(("P", SHEET)), SHEET_XML, lambda xml: xml.replace(b"</sheetData>", CORNER)),
        THREE,
        {1_048_576: "far away"},
    ),
    Case(
        "workbook with a stray cell far to the right",
        "t.xlsx",
        workbook_part(workbook(("P", SHEET)), SHEET_XML, lambda xml: xml.replace(b"</row>", RIGHT, 1)),
        THREE,
    ),
    Case(
        "workbook, numbers with three decimals",
        "t.xlsx",
        workbook(
            (
                "P",
                [
                    SHEET[0],
                    [4006381333931, "Lamp", 12.125],
                    [2, "Mug", 19.99],
                    [3, "Rug", 7.375],
                    [4, "Cup", 1.294],
                    [5, "Pin", 1.5e-7],
                    [6, "Dot", 0.1 + 0.2],
                ],
            )
        ),
        [
            ("4006381333931", "Lamp", 12.125),
            ("2", "Mug", 19.99),
            ("3", "Rug", 7.375),
            ("4", "Cup", 1.294),
            ("5", "Pin", 1.5e-7),
            ("6", "Dot", 0.3),
        ],
    ),
    Case(
        "workbook, numbers beside text with a decimal comma",
        "t.xlsx",
        workbook(("P", [SHEET[0], ["a", "Lamp", 12.125], ["b", "Mug", "1.294,00 €"], ["c", "Rug", "1.294"]])),
        [("a", "Lamp", 12.125), ("b", "Mug", 1294.0), ("c", "Rug", 1294.0)],
    ),
    Case(
        "workbook, numbers beside text with two readings",
        "t.xlsx",
        workbook(("P", [SHEET[0], ["a", "Lamp", 12.125], ["b", "Mug", "1.294 €"]])),
        [("a", "Lamp", 12.125), ("b", "Mug", 1294.0)],
        decimal=",",
    ),
    Case(
        "workbook, rows wider than the header",
        "t.xlsx",
        workbook(("P", [SHEET[0], ["a1", "Desk lamp", 12, 50], ["a2", "Blue mug", 7, 25]])),
        [("a1", "Desk lamp", 12.0), ("a2", "Blue mug", 7.0)],
        wide=True,
    ),
    Case(
        "workbook, a note beside the table",
        "t.xlsx",
        workbook(("P", [SHEET[0], [*SHEET[1], None, "ask Ann"], *SHEET[2:]])),
        THREE,
    ),
    Case(
        "Parquet with decimals",
        "t.parquet",
        parquet(
            pl.DataFrame(
                {
                    "id": [4006381333931.0, 2.0, 3.5],
                    "title": ["Lamp", "Mug", "Rug"],
                    "price": pl.Series(["12.125", "19.990", "7.375"]).cast(pl.Decimal(12, 3)),
                }
            )
        ),
        [("4006381333931", "Lamp", 12.125), ("2", "Mug", 19.99), ("3.5", "Rug", 7.375)],
        header_line=None,
    ),
    Case(
        "Parquet with floats of three decimals, tiny and large",
        "t.parquet",
        parquet(pl.DataFrame({"title": list("abcde"), "price": [12.125, 1.294, 1.5e-7, 1.5e8, 7.375]})),
        [("", "a", 12.125), ("", "b", 1.294), ("", "c", 1.5e-7), ("", "d", 1.5e8), ("", "e", 7.375)],
        header_line=None,
    ),
    Case("Parquet", "t.parquet", parquet(FRAME), THREE, header_line=None),
    Case(
        "Parquet with nulls, NaN and zero",
        "t.parquet",
        parquet(
            pl.DataFrame(
                {
                    "id": [1, 2, 3, 4, 5],
                    "title": ["Lamp", None, "Mug", "Rug", "Cup"],
                    "price": [1.5, 2.0, float("nan"), None, 0.0],
                }
            )
        ),
        [("1", "Lamp", 1.5), ("3", "Mug", None), ("4", "Rug", None), ("5", "Cup", None)],
        {2: "no title"},
        header_line=None,
    ),
    Case(
        "Parquet with typed columns",
        "t.parquet",
        parquet(
            pl.DataFrame(
                {
                    "title": ["Lamp", "Mug"],
                    "tags": [["a", "b"], []],
                    "price": [12, 7],
                    "category": pl.Series(["x", "y"], dtype=pl.Categorical),
                }
            )
        ),
        [("", "Lamp", 12.0), ("", "Mug", 7.0)],
        header_line=None,
        more={"category": ["x", "y"]},
    ),
    Case(
        "Parquet with texts that are not UTF-8",
        "t.parquet",
        arrow_parquet(
            id=pa.array(["a1", "b1", "b2", "a2"]),
            title=no_utf8(b"Desk lamp", b"Caf\xe9", b"Vase", b"Blue mug"),
            brand=pa.array([b"x", b"y", b"\xff\xfe", None]),
            price=pa.array([12.5, 1.0, 2.0, 7.0]),
        ),
        [LAMP, MUG],
        {2: "no text", 3: "no text"},
        header_line=None,
    ),
    Case(
        "Parquet with types that Polars can't write as text",
        "t.parquet",
        arrow_parquet(
            title=pa.array(["Lamp", "Mug"]),
            description=pa.array([dt.timedelta(days=1), None]),
            category=pa.array([(1 << 63) - 1, 0], pa.timestamp("us")),
            price=pa.array([Decimal("12.50"), Decimal("7.00")], pa.decimal256(50, 2)),
        ),
        [("", "Mug", 7.0)],
        {1: "no text"},
        header_line=None,
        more={"category": ["1970-01-01 00:00:00"]},
        mapping={"description": "description", "category": "category"},
    ),
    Case(
        "Parquet with prices as text",
        "t.parquet",
        parquet(pl.DataFrame({"title": ["Lamp", "Mug", "Cup"], "price": ["1.234,50 €", "7,00", "dear"]})),
        [("", "Lamp", 1234.5), ("", "Mug", 7.0)],
        {3: "'dear'"},
        header_line=None,
    ),
]
