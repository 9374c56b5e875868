"""How are dollars written: in sentences, in the columns of a table, on the axes of a chart? Never as $0.00."""

import math
from collections.abc import Iterable
from decimal import Decimal

SMALLEST = 1e-6
"""Dollars below which only that is said."""


def usd(value: float | Decimal, places: int = 2) -> str:
    """With `places` digits behind the point, or as many more as two that mean something need; never in scientific
    notation: $1,234, $0.53, $0.000012."""
    number = float(value)
    if number == 0:
        return "$0"
    size, sign = abs(number), "-" if number < 0 else ""
    if size < SMALLEST:
        return f"under ${SMALLEST:.6f}"
    return f"{sign}${size:,.0f}" if size >= 1000 else f"{sign}${plain(size, places)}"


def plain(value: float, places: int) -> str:
    """As `usd` without the sign of the dollar, for a column whose head says it."""
    return f"{value:,.{decimals([value], places)}f}"


def decimals(values: Iterable[float | None], places: int = 2) -> int:
    """Digits behind the point with which the smallest of the values, 0 aside, shows two that mean something; at least
    `places`."""
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value)]
    smallest = min((size for size in sizes if size >= SMALLEST), default=1.0)
    if smallest >= 10.0 ** (1 - places):
        return places
    return max(places, 1 - int(f"{smallest:e}".split("e")[1]))


def chart_format(values: Iterable[float | None]) -> str:
    """d3's format for amounts like these: what a tooltip shows."""
    digits = decimals(values)
    return "$,.2f" if digits == 2 else f"$,.{digits}~f"


def axis_format(values: Iterable[float | None], *, ticks: int | None = 6) -> str:
    """d3's format for the ticks of an axis that reaches over such values, or, `ticks` None, of one on a log scale."""
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    if ticks is None:
        digits = decimals(known, 0)
    else:
        digits = decimals([(max(known) - min(known) or max(known)) / ticks] if known else [], 0)
    return f"$,.{digits}~f" if digits else "$,.0f"


def column_format(values: Iterable[float | None]) -> str:
    """Streamlit's format for a column of amounts like these."""
    digits = decimals(values)
    return "dollar" if digits == 2 else f"$%.{digits}f"
