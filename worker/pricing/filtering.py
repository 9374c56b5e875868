"""Filters on a job's predictions in words: how a terminal says them, and how a file that honours them is told."""

import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from db.analytics import CHOICES, COLUMNS, NUMBERS, TEXTS, Filters, Order
from db.errors import UserError
from worker import amounts

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "row": "Row",
        "external_id": "Your id",
        "title": "Product",
        "description": "Description",
        "category": "Category",
        "brand": "Brand",
        "status": "Status",
        "split": "Side",
        "price": "Price",
        "truth": "True price",
        "error": "Off by",
        "off": "Off by, up or down",
        "off_share": "Off by, as a share of the true price",
        "low": "Interval from",
        "high": "Interval to",
        "usd": "Paid ($)",
        "saved_usd": "Saved ($)",
        "seconds": "Seconds",
        "tokens_in": "Tokens in",
        "tokens_out": "Tokens out",
        "tokens_cached": "Tokens at the cached tariff",
    }
)
"""One of db.analytics.COLUMNS -> what it is called."""

NONE = "(none)"
"""What an empty category or brand is called."""

_CONDITION = re.compile(r"(?P<column>\w+)\s*(?P<sign>>=|<=|~|=)\s*(?P<value>.*)", re.DOTALL)
_ANSWERS = {"yes": True, "no": False}

ABOUT = (
    "COLUMN~TEXT (contains), COLUMN=VALUE (said twice: either), COLUMN>=NUMBER, COLUMN<=NUMBER, inside=yes or no (the "
    f"interval holds the true price); may be said several times. Columns: {', '.join(COLUMNS)}."
)


def parsed(conditions: Iterable[str], words: str = "") -> Filters:
    """The filters that a terminal says as ABOUT tells. Raises UserError for what is no condition."""
    contains: list[tuple[str, str]] = []
    among: dict[str, list[str]] = {}
    ends: dict[str, list[float | None]] = {}
    inside: bool | None = None
    for condition in conditions:
        match = _CONDITION.fullmatch(condition.strip())
        if match is None:
            raise UserError(f"{condition!r} is no condition; say for example price>=10, title~lamp or category=Lamps.")
        column, sign, value = match.group("column", "sign", "value")
        if column == "inside" and sign == "=" and value in _ANSWERS:
            inside = _ANSWERS[value]
        elif sign == "~" and column in (*TEXTS, *CHOICES):
            contains.append((column, value))
        elif sign == "=" and column in CHOICES:
            among.setdefault(column, []).append(value)
        elif sign in (">=", "<=") and column in NUMBERS:
            ends.setdefault(column, [None, None])[sign == "<="] = _number(condition, value)
        else:
            raise UserError(f"{condition!r} can't be asked. {ABOUT}")
    return Filters(
        words=words,
        contains=tuple(contains),
        among=tuple((column, tuple(allowed)) for column, allowed in among.items()),
        between=tuple((column, low, high) for column, (low, high) in ends.items()),
        inside=inside,
    )


def _number(condition: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise UserError(f"{condition!r} needs a number such as 12.50.")
    return number


def order(said: str) -> Order:
    """`price`, or `-price` for the largest first. Raises UserError for a column that is not there."""
    column = said.removeprefix("-")
    if column not in COLUMNS:
        raise UserError(f"There is no column {column!r} to sort by; choose one of {', '.join(COLUMNS)}.")
    return Order(column, said.startswith("-"))


def told(filters: Filters) -> list[str]:
    """What the filters ask for, a phrase each; [] where they ask for everything."""
    phrases = []
    if filters.words.strip():
        phrases.append(f"with the words “{filters.words.strip()}”")
    phrases += [f"{_name(column)} contains “{text}”" for column, text in filters.contains]
    for column, allowed in filters.among:
        phrases.append(f"{_name(column)} is {amounts.listed([each or NONE for each in allowed], 'or')}")
    for column, low, high in filters.between:
        reach = [f"from {low:,g}"] if low is not None else []
        reach += [f"to {high:,g}"] if high is not None else []
        phrases.append(f"{_name(column)} {' '.join(reach)}")
    if filters.inside is not None:
        phrases.append(f"true price {'inside' if filters.inside else 'outside'} the interval")
    if filters.flagged:
        phrases.append("text looks like instructions to the model")
    return phrases


def _name(column: str) -> str:
    label = LABELS[column]
    return label[0].lower() + label[1:]
