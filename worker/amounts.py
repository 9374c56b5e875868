"""How amounts are written, on pages and in a terminal: dollars (never as $0.00), durations, bytes, tokens, counts."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

NOTHING = "–"
"""Written where there is no amount."""

SMALLEST = 1e-6
"""Dollars below which only that is said."""


def usd(value: float | Decimal, places: int = 2) -> str:
    """Dollars with `places` digits behind the point, or as many more as two that mean something need; never in
    scientific notation: $1,234, $0.53, $0.000012."""
    number = float(value)
    if number == 0:
        return "$0"
    size, sign = abs(number), "-" if number < 0 else ""
    if size < SMALLEST:
        return f"under ${SMALLEST:.6f}"
    return f"{sign}${size:,.0f}" if size >= 1000 else f"{sign}${plain(size, places)}"


def plain(value: float, places: int) -> str:
    """An amount as `usd` writes it, without the sign of the dollar, for a column whose head says it."""
    return f"{value:,.{decimals([value], places)}f}"


def level(share: float) -> str:
    """A level of confidence: "95 %", "99.5 %"."""
    return f"{100 * share:.4g} %"


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


def duration(seconds: float) -> str:
    """A time as people say it: 40 ms, 3.2 s, 2 min 5 s, 1 h 20 min."""
    if seconds < 0.001:
        return "under 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = whole // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def size(number: float) -> str:
    """Bytes: 12 kB, 3.4 MB, 1.2 GB."""
    if number >= 1e9:
        return f"{number / 1e9:.1f} GB"
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.0f} kB"


def tokens(number: float) -> str:
    """850, 12.4k, 3.1M: as prices are told, in thousands and millions."""
    if number < 1_000:
        return f"{number:.0f}"
    return f"{number / 1e3:.3g}k" if number < 999_500 else f"{number / 1e6:.3g}M"


def speed(per_second: float) -> str:
    """Rows a second: 1,200 rows/s, 3.4 rows/s."""
    return f"{per_second:,.0f} rows/s" if per_second >= 10 else f"{per_second:.1f} rows/s"


def count(number: int, one: str, many: str | None = None) -> str:
    """1 row, 2,400 rows."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """A, B and C."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def counted(amounts: Iterable[tuple[int, str, str]]) -> str:
    """Several counts in a row, each of a noun and with what is said after it: 2 jobs and 1 adapter that lies there."""
    return listed([f"{count(number, noun)} {about}".rstrip() for number, noun, about in amounts])
