"""The prices that a language model may say: between bounds and in steps that follow from the prices it learns from."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import PlainSerializer

from worker import amounts

WHOLE_MOST = 99_999
"""Up to this bound prices are read to the dollar; further ones have three digits that mean something, so that a table
of prices stays small: a step is then 1 % of the price at most."""

MOST = 999_999_999
"""The dearest price, in dollars, that the local engine reads."""

FINEST = 6
"""Digits behind the point, at most."""

_SLACK = 1e-9  # what arithmetic with a point may be off

WHOLE_FROM, WHOLE_SHARE = 20.0, 0.05
"""Prices whose middle is at least the first number of dollars are said in whole dollars: a dollar is then at most the
second number's share of it. Cheaper ones have as many digits behind the point as that share needs, two at least."""

WARN_SHARE, REFUSE_SHARE = 0.01, 0.20
"""Shares of the rows with a price that lie outside the bounds: more than the first is told, and from more than the
second nothing is learned."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest price ($) that may be said, both included, and with them the steps between: as many
    digits behind the point as the ends have say whether cents are."""

    lowest: float
    highest: float

    @property
    def places(self) -> int:
        """Digits behind the point of a price below $1; 0: whole dollars. Two where the ends have one."""
        most = max(_places(self.lowest), _places(self.highest))
        return max(2, most) if most else 0

    @property
    def above(self) -> float:
        """The first price that is too dear."""
        places = _places(self.highest)
        return round(self.highest + 10.0**-places, places)

    @property
    def is_rounded(self) -> bool:
        """Whether prices from $1,000 on have only three digits that mean something."""
        return self.highest >= 1_000 and (self.places > 0 or self.highest > WHOLE_MOST)

    def hold(self, price: pl.Expr) -> pl.Expr:
        """Whether it may be said, perhaps in fewer digits: $0.55 is below $1, $999.99 is not above $999."""
        return (price >= self.lowest) & (price < self.above)

    def holds(self, price: float) -> bool:
        """As `hold`, of one price."""
        return self.lowest <= price < self.above

    def digits(self, price: float) -> int:
        """Digits behind the point that a price of this size is said with; below 0: so many zeros before it."""
        if self.places and price < 100:
            return self.places if price < 1 else 2
        if self.is_rounded and price >= 1_000:
            return 2 - math.floor(math.log10(price) + 1e-12)
        return 0

    def rounded(self, price: float) -> float:
        """The price that is said for this one, bounds aside; never 0."""
        near = round(price, self.digits(price))
        return max(10.0**-self.places, near)

    def nearest(self, price: float) -> float:
        """The price between the bounds that is said for this one."""
        low, high = self.digits(self.lowest), self.digits(self.highest)
        first = round(math.ceil(self.lowest * 10.0**low - _SLACK) / 10.0**low, FINEST)
        last = round((math.ceil(self.above * 10.0**high - _SLACK) - 1) / 10.0**high, FINEST)
        return min(last, max(first, self.rounded(price)))

    def spell(self, price: float) -> str:
        """A price as it is said, bounds aside: "1299", "4.99", "12300"."""
        near = self.rounded(price)
        return f"{near:.{max(0, self.digits(near))}f}"

    def grid(self) -> npt.NDArray[np.float64]:
        """Every price with as many digits before the point as the highest one has, rising; what lies outside the bounds
        is among them, because a reading has to know how numbers outside go on."""
        top = 10 ** len(str(int(self.highest)))
        if not self.places and not self.is_rounded:
            return np.arange(1, top, dtype=np.float64)
        below = np.round(np.arange(1, 10**self.places) / 10**self.places, self.places) if self.places else np.empty(0)
        cents = np.round(np.arange(100, 100 * min(top, 100)) / 100, 2) if self.places else np.arange(1.0, min(top, 100))
        dollars = np.arange(100.0, min(top, 1_000))
        dear = [np.arange(100.0, 1_000) * 10**more for more in range(1, len(str(int(self.highest))) - 2)]
        return np.concatenate([below, cents, dollars, *dear])

    @property
    def step(self) -> str:
        """What it says, for a sentence: "whole dollars"; of other currencies in numbers."""
        sign = amounts.money().prefix
        small = "cents" if sign == "$" else "two digits behind the point"
        cents = f"{small} below {sign}100" if self.places <= 2 else f"up to {self.places} digits behind the point"
        parts = [cents] if self.places else []
        parts += [f"three digits from {sign}1,000 on"] if self.is_rounded else []
        return f"prices ({' and '.join(parts)})" if parts else f"whole {'dollars' if sign == '$' else 'numbers'}"

    @property
    def is_as_learned(self) -> bool:
        """Whether prices of a train side alone decide such bounds: both are ends of bands, so nobody has to have chosen
        them."""
        bands = (*BANDS, *_WITH_CENTS)
        return self == WIDE or (
            any(band.lowest == self.lowest for band in (*bands, *_finest()))
            and any(band.highest == self.highest for band in bands)
        )

    def __str__(self) -> str:
        sign = amounts.money().prefix
        return f"{sign}{_plain(self.lowest)} to {sign}{_plain(self.highest)}"


def _places(price: float) -> int:
    return next((n for n in range(FINEST) if abs(round(price, n) - price) < _SLACK), FINEST)


def _plain(price: float) -> str:
    return f"{price:,.{_places(price) and max(2, _places(price))}f}"


def _lean(price: float) -> float:
    """A whole number as one, so that a bound has one spelling in a spec's hash."""
    return int(price) if price == int(price) else price


Bound = Annotated[float, PlainSerializer(_lean, return_type=Any)]
"""A bound in a spec; 0: from the train side."""

BANDS = tuple(Bounds(10**n if n > 2 else 1, 10 ** (n + 1) - 1) for n in range(2, 9))
"""Numbers of up to three digits, of four, of five and so on: a number's first digits decide how a model reads its
others."""

USUAL = BANDS[0]
"""The bounds of most tables."""

WIDE = Bounds(0.01, 999_999)
"""The bounds where there is no price to learn them from."""


def covering(cheapest: float | None, dearest: float | None, places: int = 0) -> Bounds:
    """Every band from that of the cheapest price to that of the dearest; None, None: there is no price. `places`: with
    so many digits behind the point.

    A price below all bands counts to the first, one above them to the last: that is as near as can be said. Whole bands
    give the rows to come some room, and a model answers alike for tables that differ by a dollar.
    """
    if cheapest is None or dearest is None:
        return WIDE
    if not places:
        return Bounds(_band(cheapest, BANDS).lowest, _band(dearest, BANDS).highest)
    bands = (Bounds(10.0**-places, _WITH_CENTS[0].highest), *_WITH_CENTS[1:])
    return Bounds(_band(cheapest, bands).lowest, _band(dearest, bands).highest)


def _with_cents(band: Bounds) -> Bounds:
    return Bounds(band.lowest, band.highest + 0.99)


_WITH_CENTS = (Bounds(0.01, 9.99), Bounds(10, 99.99), Bounds(100, 999.99), *(_with_cents(band) for band in BANDS[1:]))


def _finest() -> list[Bounds]:
    """The cheapest band of tables whose prices have more digits than two behind the point."""
    return [Bounds(10.0**-places, _WITH_CENTS[0].highest) for places in range(3, FINEST + 1)]


def _band(price: float, bands: tuple[Bounds, ...]) -> Bounds:
    return next((band for band in bands if price < band.above), bands[-1])


def places_for(middle: float, *, are_whole: bool) -> int:
    """Digits behind the point for prices with this median; `are_whole`: none of them has any."""
    if are_whole or middle >= WHOLE_FROM or middle <= 0:
        return 0
    return min(FINEST, max(2, math.ceil(-math.log10(WHOLE_SHARE * middle))))


def resolved(min_price: float, max_price: float, train: Bounds = USUAL) -> Bounds:
    """What holds for a spec: a bound that it gives, and where it gives none (0), that of its train side."""
    return Bounds(min_price or train.lowest, max_price or train.highest)


@dataclass(frozen=True, slots=True)
class Outside:
    """How many of a table's rows with a price have one that can't be said."""

    bounds: Bounds
    rows: int  # with a price
    outside: int

    @property
    def share(self) -> float:
        return self.outside / self.rows if self.rows else 0.0

    def sentence(self) -> str:
        """What to know before trusting the prices; "" while 1 % of the rows or fewer lie outside."""
        if self.share <= WARN_SHARE:
            return ""
        return (
            f"A language model says {self.bounds.step} from {self.bounds} here, and {_percent(self.share)} of the rows "
            "with a price lie outside: their prices can't come out right."
        )

    def refusal(self, name: str) -> str:
        """Why nothing is learned from these rows of `name`; "" while 20 % of them or fewer lie outside."""
        if self.share <= REFUSE_SHARE:
            return ""
        return (
            f"A fine-tune learns {self.bounds.step} from {self.bounds}, and {_percent(self.share)} of the rows of "
            f"{name} to learn from lie outside, so it would learn wrong prices; choose other rows or bounds, or use a "
            "technique without a language model."
        )


def _percent(share: float) -> str:
    """A share in percent; never "100 %" while a row lies inside."""
    percent = 100 * share
    if share < 1:
        percent = min(percent, 99.9)
    return f"{percent:.1f} %" if percent < 10 or 99 < percent < 100 else f"{percent:.0f} %"
