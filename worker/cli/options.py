"""Options and arguments that several verbs share, and what their texts mean."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from db.errors import UserError
from worker.amounts import currencies
from worker.datasets import rates
from worker.datasets.answers import Answers, DateOrder, Sign
from worker.ingest import csv_encoding
from worker.ingest.types import FIELDS

DatasetName = Annotated[str, typer.Argument(metavar="DATASET", help="Number or name.")]
Cap = Annotated[
    float | None, typer.Option(min=0, help="Dollars each job may pay to endpoints, then it pauses; 0 = none.")
]
DecimalSign = Annotated[
    Sign | None, typer.Option("--decimal", help="Decimal sign of prices in the file that are text: 1.234 is 1 or 1234.")
]
WideRows = Annotated[
    bool, typer.Option("--accept-wide-rows", help="Load a file whose rows have more cells than its header has names.")
]
DatesOrder = Annotated[
    DateOrder | None, typer.Option("--date-order", help="What comes first in dates like 3/4/2024, mapped as date.")
]
TestFrom = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="First day of the test rows, where a column is mapped as date."),
]
LowerEnds = Annotated[
    bool, typer.Option("--lower-ends", help="Read prices like 10-20 and 'from 10' as 10; else such rows are rejects.")
]

CurrencyCode = Annotated[
    str | None, typer.Option("--currency", help="Currency of the prices, such as EUR; unknown = none is written.")
]
CurrencyColumn = Annotated[
    str | None, typer.Option("--currency-column", help="Column that says each price's currency; as --map currency=….")
]
Rates = Annotated[
    Path | None, typer.Option("--rates", help=f"Converts prices in other currencies than --currency: {rates.ABOUT}")
]

HeaderLine = Annotated[
    int | None, typer.Option("--header-line", min=0, help="Line of the file that names its columns; 0 = none does.")
]
SheetName = Annotated[str | None, typer.Option("--sheet", help="Sheet of the workbook that holds the table.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Of a text file: utf-8, cp1252, shift_jis, gb18030 …")]
Delimiter = Annotated[
    str | None,
    typer.Option("--delimiter", help="Between cells of a text: one character, or comma, semicolon, tab, bar, space."),
]
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "pipe": "|", "space": " "}
Columns = Annotated[
    list[str] | None, typer.Option("--map", help="field=column, e.g. title=Name; empty column = leave out.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Take the proposed columns, also where it is not sure that they are right.")
]

Unweighted = Annotated[
    bool, typer.Option("--unweighted", help="Count all rows alike, although the table has a column of weights.")
]


def dollars(value: float | None) -> Decimal | None:
    """The amount as it was typed, without the digits that a float adds."""
    return None if value is None else Decimal(repr(value))


def answers(
    decimal: Sign | None,
    accept_wide_rows: bool,
    currency: str | None = None,
    table: Path | None = None,
    date_order: DateOrder | None = None,
    test_from: datetime | None = None,
    lower_ends: bool = False,
) -> Answers:
    """What --decimal, --accept-wide-rows, --currency, --rates, --date-order, --test-from and --lower-ends say about
    a file. Raises UserError."""
    if table is not None and not table.is_file():
        raise UserError(f"There is no file {table}.")
    return Answers(
        decimal.mark if decimal else None,
        accept_wide_rows,
        None if currency is None else currencies.checked(currency),
        () if table is None else rates.read(table.read_bytes(), table.name),
        date_order.first if date_order else None,
        test_from.date().isoformat() if test_from else None,
        lower_ends,
    )


def reading(header_line: int | None, sheet: str | None, encoding: str | None, delimiter: str | None) -> dict[str, Any]:
    """What --header-line, --sheet, --encoding and --delimiter force on the look at a file. Raises UserError."""
    forced: dict[str, Any] = {}
    if header_line is not None:
        forced["header_line"] = header_line or None
    if sheet is not None:
        forced["sheet"] = sheet
    if encoding is not None:
        csv_encoding.check(encoding)
        forced["encoding"] = encoding
    if delimiter is not None:
        sign = _DELIMITERS.get(delimiter.casefold(), delimiter)
        if len(sign) != 1 or not sign.isascii() or sign in "\r\n":
            raise UserError(
                f"--delimiter {delimiter!r} can't separate cells; say one ASCII character, or "
                "comma, semicolon, tab, bar or space."
            )
        forced["delimiter"] = sign
    return forced


def mapped(pairs: Iterable[str] | None) -> dict[str, str]:
    """Field -> column of what --map says. Raises UserError."""
    mapping = {}
    for field, column in assignments("--map", pairs, "field=column", "title=Name"):
        if field not in FIELDS:
            raise UserError(f"There is no field {field!r}; choose from {', '.join(FIELDS)}.")
        mapping[field] = column
    return mapping


def assignments(option: str, pairs: Iterable[str] | None, form: str, example: str) -> Iterator[tuple[str, str]]:
    """Name and value of each "name=value" that was given with an option. Raises UserError for a text without "="."""
    for pair in pairs or ():
        name, separator, value = pair.partition("=")
        if not separator:
            raise UserError(f"{option} {pair!r} should look like {form}, for example {example}.")
        yield name, value
