"""How amounts are written, on pages and in a terminal: what work costs in dollars (never as $0.00), prices of products
in the currency of their dataset, durations, bytes, tokens, counts."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal

from worker.amounts import currencies
from worker.amounts.currencies import Currency

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


BARE_PLACES = 2


@dataclass(frozen=True, slots=True)
class Money:
    """How prices of a dataset are written."""

    currency: Currency
    places: int  # digits behind the point: the currency's, or more where the data has finer steps

    @property
    def finest(self) -> int:
        """Digits behind the point of what is no price of the data (means, errors, guesses): of whole numbers in a
        currency that nobody said two, because how much one of them is worth is not known either."""
        return self.places if self.currency.code else max(self.places, BARE_PLACES)

    @property
    def prefix(self) -> str:
        return self.currency.prefix


DOLLARS = Money(currencies.of("USD"), 2)

_PRESETS = {"USD": "dollar", "EUR": "euro", "JPY": "yen"}
# Streamlit's formats by that name, with commas between thousands and the minus before the sign, which no other has.

# Like the context of `decimal`: sentences are made deep inside, by code that knows figures and no dataset. A thread
# that nobody told writes prices without a sign, which is never wrong.
_MONEY: ContextVar[Money] = ContextVar("money")
BARE = Money(currencies.UNKNOWN, BARE_PLACES)
"""How prices are written whose currency nobody knows."""


def money() -> Money:
    """How prices are written here."""
    return _MONEY.get(BARE)


def write_in(money: Money) -> None:
    """Write prices so from here on, in this thread: of a page or a command that is about one dataset."""
    _MONEY.set(money)


@contextmanager
def written_in(money: Money) -> Iterator[None]:
    """Prices are written so inside."""
    token = _MONEY.set(money)
    try:
        yield
    finally:
        _MONEY.reset(token)


def price(value: float | Decimal, places: int | None = None) -> str:
    """A price, or a difference of prices, in the currency of the dataset: €1,234.50, ¥8,000, CHF 0.53; 1,234.50 where
    nobody said which currency it is.

    An amount of whole cents is written with them. Others (means, guesses) have `places` digits behind the point, by
    default those of the currency (of an unknown one two), or as many more as two that mean something need; none from
    1,000 on.
    """
    number, how = float(value), money()
    size, sign = abs(number), "-" if number < 0 else ""
    if size == 0:
        return f"{how.prefix}0"
    least = how.finest if places is None else places
    if size < SMALLEST:
        return f"under {how.prefix}{SMALLEST:.6f}"
    if math.isclose(round(size, how.places), size, rel_tol=1e-12):
        whole = size >= 1000 and float(size).is_integer()
        return f"{sign}{how.prefix}{size:,.{0 if whole else how.places}f}"
    return f"{sign}{how.prefix}{size:,.0f}" if size >= 1000 else f"{sign}{how.prefix}{plain(size, least)}"


def unit() -> str:
    """What the head of a column of prices ends in: " (€)", " (CHF)"; "" where nobody said which currency it is."""
    mark = money().currency.unit
    return f" ({mark})" if mark else ""


def plain(value: float, places: int) -> str:
    """An amount without a sign, for a column whose head says it."""
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


def _digits(values: Iterable[float | None]) -> int:
    """Digits behind the point for prices like these: those of the currency where all are whole cents of it."""
    how = money()
    places, known = how.places, [abs(value) for value in values if value is not None and math.isfinite(value)]
    if all(math.isclose(round(value, places), value, rel_tol=1e-12) for value in known):
        return places
    return decimals(known, how.finest)


def chart_format(values: Iterable[float | None]) -> str:
    """d3's format for prices like these: what a tooltip shows. Its $ stands for the currency of the chart's locale."""
    digits = _digits(values)
    return f"$,.{digits}f" if digits == money().places else f"$,.{digits}~f"


def axis_format(values: Iterable[float | None], *, ticks: int | None = 6) -> str:
    """d3's format for the ticks of an axis that reaches over such prices, or, `ticks` None, of one on a log scale."""
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    if ticks is None:
        digits = decimals(known, 0)
    else:
        digits = decimals([(max(known) - min(known) or max(known)) / ticks] if known else [], 0)
    return f"$,.{digits}~f" if digits else "$,.0f"


def column_format(values: Iterable[float | None]) -> str:
    """Streamlit's format for a column of prices like these."""
    how, digits = money(), _digits(values)
    if (name := _PRESETS.get(how.currency.code)) and digits == how.currency.decimals:
        return name
    return f"{how.prefix.replace('%', '%%')}%.{digits}f"


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
