"""Options and arguments that several verbs share, and what their texts mean."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from db.errors import UserError
from worker.amounts import currencies
from worker.datasets import rates
from worker.datasets.answers import Answers, DateOrder, Sign
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

CurrencyCode = Annotated[
    str | None, typer.Option("--currency", help="Currency of the prices, such as EUR; unknown = none is written.")
]
CurrencyColumn = Annotated[
    str | None, typer.Option("--currency-column", help="Column that says each price's currency; as --map currency=….")
]
Rates = Annotated[
    Path | None, typer.Option("--rates", help=f"Converts prices in other currencies than --currency: {rates.ABOUT}")
]

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
) -> Answers:
    """What --decimal, --accept-wide-rows, --currency, --rates, --date-order and --test-from say about a file. Raises
    UserError."""
    if table is not None and not table.is_file():
        raise UserError(f"There is no file {table}.")
    return Answers(
        decimal.mark if decimal else None,
        accept_wide_rows,
        None if currency is None else currencies.checked(currency),
        () if table is None else rates.read(table.read_bytes(), table.name),
        date_order.first if date_order else None,
        test_from.date().isoformat() if test_from else None,
    )


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
