"""Prices with words around them, without a number, in ranges, with dates and errors; and numbers that a file types."""

from datetime import date
from decimal import Decimal

import polars as pl
import pyarrow as pa

from tests.worker.ingest.cases.base import Case, arrow_parquet, parquet, priced, things, workbook, workbook_part

_HEAD: list[object] = ["id", "title", "price"]
_SHEET = "xl/worksheets/sheet1.xml"


def _sheet(*prices: object) -> bytes:
    return workbook(("P", [_HEAD, *([f"p{i}", f"Thing {i}", price] for i, price in enumerate(prices))]))


def _only(*wanted: tuple[int, float | None]) -> list[tuple[str, str, float | None]]:
    return [(f"p{i}", f"Thing {i}", price) for i, price in wanted]


NUMBERS = [
    # What the file itself calls a number.
    Case("typed thousandths in a workbook", "t.xlsx", _sheet(12.125, 19.99, 7.375), things(12.125, 19.99, 7.375)),
    Case(
        "typed thousandths beside text with a comma",
        "t.xlsx",
        _sheet(12.125, "19,90 €", 7.375, "3,50 €"),
        things(12.125, 19.9, 7.375, 3.5),
    ),
    Case(
        "decimal(12,3) in Parquet",
        "t.parquet",
        arrow_parquet(
            id=pa.array(["p0", "p1", "p2"]),
            title=pa.array(["Thing 0", "Thing 1", "Thing 2"]),
            price=pa.array([Decimal("12.125"), Decimal("19.990"), Decimal("7.375")], pa.decimal128(12, 3)),
        ),
        things(12.125, 19.99, 7.375),
        header_line=None,
    ),
    Case(
        "floats in Parquet",
        "t.parquet",
        parquet(pl.DataFrame({"id": ["p0", "p1"], "title": ["Thing 0", "Thing 1"], "price": [12.125, 7.375]})),
        things(12.125, 7.375),
        header_line=None,
    ),
    Case(
        "a typed zero is no price",
        "t.xlsx",
        _sheet(5.5, 0, 7),
        things(5.5, None, 7.0),
        told=["1 price cell of the first 3 rows says that there is no price ('0' 1)"],
    ),
    # Both readings are possible: somebody has to say.
    Case(
        "fuel said to be decimals",
        "t.tsv",
        priced("1.294", "1.793", "1.309"),
        things(1.294, 1.793, 1.309),
        decimal=".",
        told=["with a decimal point '1.294' is 1.294"],
    ),
    Case(
        "pesos said to be thousands",
        "t.tsv",
        priced("19.990", "7.500", "3.990"),
        things(19990.0, 7500.0, 3990.0),
        decimal=",",
    ),
    Case(
        "dinars are proposed as decimals",
        "t.tsv",
        priced("KWD 15.202", "KWD 1.500", "KWD 2.250"),
        things(15.202, 1.5, 2.25),
        decimal=".",
        told=["'.' because prices in KWD have 3 decimals"],
    ),
    Case(
        "euros with three digits are proposed as thousands",
        "t.tsv",
        priced("€ 1.299", "€ 2.499", "€ 3.100"),
        things(1299.0, 2499.0, 3100.0),
        decimal=",",
        told=["',' because prices in EUR have 2 decimals"],
    ),
    Case(
        "the spread of prices makes the proposal",
        "t.tsv",
        priced("1.299", "2.499", "3.100", "950", "880", "799", "1.150"),
        things(1299.0, 2499.0, 3100.0, 950.0, 880.0, 799.0, 1150.0),
        decimal=",",
        told=["',' because the prices lie closer together like this"],
    ),
    Case(
        "another column of prices makes the proposal",
        "t.tsv",
        b"id\ttitle\tprice\tcost\np0\tThing 0\t1.299\t0,75\np1\tThing 1\t2.499\t1,50\n",
        things(1299.0, 2499.0),
        decimal=",",
        told=["',' because 'cost' has a decimal comma"],
    ),
    Case(
        "a column of both signs that leaves one open",
        "t.tsv",
        priced("12.50", "3,75", "1.234"),
        decimal=".",
        told=["'12.50' has a decimal point and '3,75' a decimal comma"],
        stops="the price '3,75' on line 3 has a decimal comma",
    ),
    Case("both signs where nothing is open", "t.tsv", priced("12.50", "3,75", "9.5"), things(12.5, 3.75, 9.5)),
    Case(
        "a later row contradicts",
        "t.tsv",
        lambda: priced("1.299", *["12.50"] * 60_000, "12,50"),
        stops="the price '12,50' on line 60,003 has a decimal comma",
    ),
    Case(
        "an open cell behind a later row that contradicts",
        "t.tsv",
        lambda: priced(*["12,50"] * 60_000, "9.99", "2.499"),
        stops="the price '9.99' on line 60,002 has a decimal point",
    ),
    # Words around the number.
    Case(
        "words around dollars",
        "t.tsv",
        priced(
            "US $24.99", "$5.99/ea", "$12.50 + tax", "RRP $7.99", "only $3", "approx. $20", "$4.50 each", "$6 per kg"
        ),
        things(24.99, 5.99, 12.5, 7.99, 3.0, 20.0, 4.5, 6.0),
        told=["Words beside prices of the first 8 rows are left aside ('+ tax' 1, '/ea' 1, 'approx.' 1"],
    ),
    Case(
        "inc VAT",
        "t.tsv",
        priced("£12.50 inc VAT", "£9 (ex. VAT)", "£1,299.00 incl. 20% VAT"),
        things(12.5, 9.0, 1299.0),
    ),
    Case(
        "words around euros",
        "t.tsv",
        priced(
            "12,50 € inkl. MwSt.",
            "UVP: 9,99 €*",
            "ca. 20,00 €",
            "nur 4,99 €",
            "5,99 €/Stk.",
            "1.299,00 € TTC",
            "je 3,50 €",
        ),
        things(12.5, 9.99, 20.0, 4.99, 5.99, 1299.0),
        {8: "'je 3,50 €' is not a number"},
    ),
    Case("a pound is a weight too", "t.tsv", priced("$2.50/pound", "$3.75 per lb", "$4/ft"), things(2.5, 3.75, 4.0)),
    Case("yen with their tax", "t.tsv", priced("¥1200税込", "¥980(税込)", "¥3000"), things(1200.0, 980.0, 3000.0)),
    Case(
        "dollars of a country",
        "t.tsv",
        priced("CA $24.99", "24,99 $ CA", "US $5.50"),
        _only((0, 24.99), (1, 24.99)),
        {4: "is in USD, and the table is in CAD"},
    ),
    Case(
        "several pieces are no price of one",
        "t.tsv",
        priced("$5", "12 for $10", "2/$5", "3 pour 10 €", "2 für 5,00 €"),
        _only((0, 5.0)),
        {3: "is 10 for 12 pieces", 4: "is 5 for 2 pieces", 5: "is 10 for 3 pieces", 6: "is 5 for 2 pieces"},
    ),
    Case(
        "two numbers are none",
        "t.tsv",
        priced("$5", "was $20 now $15", "5 each 600", "3 x 4.99", "5 kg", "12 Stück"),
        _only((0, 5.0)),
        dict.fromkeys(range(3, 8), "is not a number"),
    ),
    # No price.
    Case(
        "no price in English",
        "t.tsv",
        priced(
            "5", "POA", "P.O.A.", "Call for price", "TBD", "0", "$0.00", "-", "sold out", "Price on request", "Free"
        ),
        things(5.0, *[None] * 10),
        told=["9 price cells of the first 11 rows say that there is no price ('0' 2, 'Call for price' 1"],
    ),
    Case(
        "no price in other languages",
        "t.tsv",
        priced(
            *(
                "5",
                "auf Anfrage",
                "Preis auf Anfrage",
                "sur demande",
                "Prix sur demande",
                "bajo consulta",
                "su richiesta",
            ),
            *("sob consulta", "op aanvraag", "na zapytanie", "på förfrågan", "по запросу", "要問い合わせ", "面议"),
        ),
        things(5.0, *[None] * 13),
    ),
    # Ranges.
    Case(
        "ranges are rejects",
        "t.tsv",
        priced("5", "10-20", "$5 to $9", "from 9.99", "ab 12,50 €", "7+", "6"),
        _only((0, 5.0), (6, 6.0)),
        dict.fromkeys(range(3, 8), "is a range"),
    ),
    Case(
        "ranges by their lower end",
        "t.tsv",
        priced("$5", "10-20", "$5 to $9", "from $9.99", "20-10", "à partir de 7.50", "12.05.2024"),
        _only((0, 5.0), (1, 10.0), (2, 5.0), (3, 9.99), (5, 7.5)),
        {6: "is a range", 8: "is a date"},
        lower_ends=True,
    ),
    # Several currencies.
    Case(
        "dollars, euros and yen",
        "t.tsv",
        priced("$10.50", "€9.00", "JPY 1500", "$3 each"),
        _only((0, 10.5), (3, 3.0)),
        {3: "is in EUR, and the table is in USD", 4: "is in JPY, and the table is in USD"},
    ),
    # Dates and errors.
    Case(
        "dates among prices",
        "t.tsv",
        priced("5", "12.05.2024", "2024-05-12", "12 May 2024", "03/04/24", "6"),
        _only((0, 5.0), (5, 6.0)),
        dict.fromkeys(range(3, 7), "is a date, not a price"),
    ),
    Case(
        "typed dates among prices",
        "t.parquet",
        parquet(pl.DataFrame({"id": ["p0"], "title": ["Thing 0"], "price": [date(2024, 5, 12)]})),
        rejects={1: "is a date, not a price"},
        header_line=None,
        mapping={"price": "price"},
    ),
    Case(
        "a workbook with errors and formulas without results",
        "t.xlsx",
        workbook_part(
            _sheet(5, 6, 7, 8),
            _SHEET,
            lambda xml: (
                xml.replace(b'<c r="C3"><v>6</v></c>', b'<c r="C3" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
                .replace(b'<c r="C4"><v>7</v></c>', b'<c r="C4"><f>A1*2</f><v></v></c>')
                .replace(b'<c r="C5"><v>8</v></c>', b'<c r="C5" t="e"><v>#REF!</v></c>')
            ),
        ),
        things(5.0, None, None, None),
        told=[
            "2 cells of the sheet hold an error (#DIV/0! 1 and #REF! 1), C3 the first. They are read as empty",
            "1 cell of the sheet holds a formula without a stored result (C4). It is read as empty",
        ],
    ),
]
