"""What a person has to say before a file is loaded, and whether it is loaded already with the same said.

A look at a file stores its questions in the inspection: `undecided` prices, `undecided_dates`, `wide_rows` and fields
whose column is `unsure`. Nothing is loaded before they are answered, and the answers are kept beside them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

from db import datasets
from db.engine import Session
from db.errors import MappingError, OpenQuestion
from db.types import Dataset, DatasetState, MadeBy
from worker import amounts
from worker.amounts import currencies

_NOT_THE_READING = (
    *(
        "mapping",
        "decimals",
        "currencies",
        "undecided",
        "likelier",
        "ranges",
        "date_orders",
        "undecided_dates",
        "wide_rows",
        "fits",
        "unsure",
        "prices",
        "warnings",
        "forced",
    ),
    "answers",
)
"""Parts of an inspection that say nothing about how the file becomes rows of cells."""


class Sign(StrEnum):
    """What people call a decimal sign."""

    POINT = "point"
    COMMA = "comma"

    @property
    def mark(self) -> Literal[".", ","]:
        return "." if self is Sign.POINT else ","


class DateOrder(StrEnum):
    """What people call the order of day and month."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"

    @property
    def first(self) -> Literal["day", "month"]:
        return "day" if self is DateOrder.DAY_FIRST else "month"


@dataclass(frozen=True, slots=True)
class Answers:
    decimal: Literal[".", ","] | None = None  # sign of the prices that are text; None = as the file tells
    wide_rows: bool = False  # rows with more cells than the header has names mean what the inspection says
    currency: str | None = None  # code of the prices' currency, "" = it is not known; None = as the file tells
    rates: tuple[tuple[str, str, float], ...] = ()  # as worker.datasets.rates: others are converted by them
    date_order: Literal["day", "month"] | None = None  # what comes first in dates; None = as the file tells
    test_from: str | None = None  # ISO date of the first test row, where rows are divided by date; None = by shares
    lower_ends: bool = False  # ranges of prices are read as their lower end; else they are rejects
    columns: tuple[str, ...] = ()  # fields whose column a person said, or another table that she mapped


NOTHING_SAID = Answers()


def settled(inspection: Mapping[str, Any], mapping: Mapping[str, str], answers: Answers) -> dict[str, Any]:
    """The inspection with the answers in it. Raises MappingError with the question that is still open."""
    price = mapping.get("price", "")
    if inspection.get("wide_rows") and not answers.wide_rows:
        raise MappingError(
            f"{inspection['wide_rows']}: put the file right, or confirm that this is meant "
            "(in a terminal: --accept-wide-rows)."
        )
    undecided = inspection.get("undecided", {}).get(price)
    if undecided and not answers.decimal:
        raise MappingError(
            f"Say which sign is the decimal sign of {price!r}: {undecided}{_proposal(inspection, price)} "
            "(in a terminal: --decimal point or --decimal comma)."
        )
    if doubts := unsure(inspection, mapping, answers):
        fields = " ".join(f"--map {field}=COLUMN" for field in doubts)
        raise OpenQuestion(
            f"{'; '.join(_sentence(why) for why in doubts.values())}. Say the column (in a terminal: {fields}, or "
            "--yes to take what is proposed)."
        )
    decimals = dict(inspection.get("decimals", {}))
    if price and answers.decimal:
        decimals[price] = answers.decimal
    orders = _date_orders(inspection, mapping, answers)
    return {**inspection, "decimals": decimals, "date_orders": orders, "answers": asdict(answers)}


def likelier_sign(inspection: Mapping[str, Any], price: str) -> Sign | None:
    """The decimal sign that is proposed for prices with two readings; None where nothing makes one likelier."""
    found = inspection.get("likelier", {}).get(price)
    return None if not found else Sign.POINT if found["sign"] == "." else Sign.COMMA


def _proposal(inspection: Mapping[str, Any], price: str) -> str:
    sign = likelier_sign(inspection, price)
    return f"; a decimal {sign} is likelier, because {inspection['likelier'][price]['why']}" if sign else ""


def ranges(inspection: Mapping[str, Any], mapping: Mapping[str, str]) -> str:
    """That ranges stand among the prices, and what becomes of them; "" = there are none in the first rows."""
    price = mapping.get("price", "")
    example = inspection.get("ranges", {}).get(price)
    if not example:
        return ""
    return (
        f"Some prices in {price!r} are ranges, such as '{example}': those rows become rejects, unless you take their "
        "lower ends"
    )


def unsure(inspection: Mapping[str, Any], mapping: Mapping[str, str], answers: Answers) -> dict[str, str]:
    """Field -> why its column is unsure, of those that nobody has said; a column other than the proposed one was."""
    proposed = inspection.get("mapping", {})
    return {
        field: why
        for field, why in inspection.get("unsure", {}).items()
        if mapping.get(field) == proposed.get(field) and field not in answers.columns
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _date_orders(inspection: Mapping[str, Any], mapping: Mapping[str, str], answers: Answers) -> dict[str, str]:
    column = mapping.get("date", "")
    if answers.test_from and (not column or "side" in mapping):
        why = "sides come from a column" if "side" in mapping else "no column holds dates"
        raise MappingError(f"A first day of the test rows says nothing here: {why}; leave one of the two out.")
    undecided = inspection.get("undecided_dates", {}).get(column)
    if undecided and not answers.date_order:
        raise MappingError(
            f"Say what comes first in the dates of {column!r}: {undecided} "
            "(in a terminal: --date-order day-first or --date-order month-first)."
        )
    told: dict[str, str] = dict(inspection.get("date_orders", {}))
    return told | ({column: answers.date_order} if column and answers.date_order else {})


def look_of_currency(inspection: Mapping[str, Any], mapping: Mapping[str, str]) -> Mapping[str, Any]:
    """What the look found of the currency of the prices (worker.currencies.Found as JSON); {} = nothing says it."""
    known: Mapping[str, Mapping[str, Any]] = inspection.get("currencies", {})
    return known.get(mapping.get("currency", "")) or known.get(mapping.get("price", "")) or {}


def proposed_currency(look: Mapping[str, Any], usual: str) -> str | None:
    """The code that is taken where no person says one, "" = it is not known; None where none is likely enough. `usual`:
    what holds where the file says nothing, or something that can mean it."""
    if not look or usual in (look["code"], *look["others"]):
        return usual
    return None if look["is_open"] else str(look["code"])


def currency_of(inspection: Mapping[str, Any], mapping: Mapping[str, str], answers: Answers, usual: str = "") -> str:
    """The code of the prices' currency, "" = it is not known. Raises MappingError with the question that is still open,
    UserError for what is no currency."""
    look = look_of_currency(inspection, mapping)
    currency = proposed_currency(look, usual) if answers.currency is None else currencies.checked(answers.currency)
    if currency is None:
        codes = amounts.listed([look["code"], *look["others"]], "or")
        raise MappingError(
            f"Say which currency the prices in {mapping['price']!r} are in: {look['source']} can mean {codes} "
            f"(in a terminal: --currency {look['code']})."
        )
    if answers.rates and not currency:
        raise MappingError("Say into which currency the rates convert (in a terminal: --currency EUR).")
    return currency


def loaded_alike(session: Session, look: Dataset, mapping: Mapping[str, str], answers: Answers) -> Dataset | None:
    """The newest dataset of the same bytes that loading this look, so mapped and answered, would only make again.

    A question that is not answered now was answered then.
    """
    for other in datasets.of_file(session, look.file_sha256):
        if (
            other.id != look.id
            and other.state is DatasetState.READY
            and other.items
            and other.made_by is not MadeBy.DECISIONS
            and other.mapping == mapping
            and _reading(other) == _reading(look)
            and _said(look, other, mapping.get("price", ""), answers)
            and _pays_alike(other, answers)
            and _dated(look, other, mapping.get("date", ""), answers)
        ):
            return other
    return None


def _reading(dataset: Dataset) -> dict[str, Any]:
    return {part: value for part, value in dataset.inspection.items() if part not in _NOT_THE_READING}


def _pays_alike(other: Dataset, answers: Answers) -> bool:
    rates = [tuple(rate) for rate in other.inspection.get("answers", {}).get("rates") or ()]
    return answers.currency in (None, other.currency) and (not answers.rates or list(answers.rates) == rates)


def _said(look: Dataset, other: Dataset, price: str, answers: Answers) -> bool:
    then = other.inspection.get("answers", {})
    if look.inspection["wide_rows"] and not then.get("wide_rows"):
        return False
    if bool(then.get("lower_ends")) is not answers.lower_ends:
        return False
    sign = other.inspection.get("decimals", {}).get(price)
    if answers.decimal:
        return bool(sign == answers.decimal)
    if price in look.inspection["undecided"]:
        return bool(then.get("decimal"))
    return bool(sign == look.inspection["decimals"].get(price))


def _dated(look: Dataset, other: Dataset, column: str, answers: Answers) -> bool:
    if not column:
        return True
    if answers.test_from != other.inspection.get("answers", {}).get("test_from"):
        return False
    order = other.inspection.get("date_orders", {}).get(column)
    if answers.date_order is None and column in look.inspection.get("undecided_dates", {}):
        return bool(order)
    return bool(order == (answers.date_order or look.inspection.get("date_orders", {}).get(column)))
