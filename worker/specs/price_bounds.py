"""The whole dollars that a language model may say, between bounds taken from the prices that it learns from."""

from dataclasses import dataclass

import polars as pl

MOST = 99_999
"""The dearest price, in dollars, that the local engine reads."""

WARN_SHARE, REFUSE_SHARE = 0.01, 0.20
"""Shares of the rows with a price that lie outside the bounds: more than the first is told, and from more than the
second nothing is learned."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Whole dollars that may be said, both ends included."""

    lowest: int
    highest: int

    def hold(self, price: pl.Expr) -> pl.Expr:
        """Whether its whole dollars may be said: $0.55 is below $1, $999.99 is not above $999."""
        return (price >= self.lowest) & (price < self.highest + 1)

    def __str__(self) -> str:
        return f"${self.lowest:,} to ${self.highest:,}"


BANDS = (Bounds(1, 999), Bounds(1_000, 9_999), Bounds(10_000, MOST))
"""Numbers of up to three digits, of four and of five: a number's first digits decide how a model reads its others."""

USUAL = BANDS[0]
"""The bounds where no price tells better ones."""

SAYABLE = Bounds(BANDS[0].lowest, BANDS[-1].highest)


def covering(cheapest: float | None, dearest: float | None) -> Bounds:
    """Every band from that of the cheapest price to that of the dearest; None, None: there is no price.

    A price below all bands counts to the first, one above them to the last: that is as near as can be said. Whole bands
    give the rows to come some room, and a model answers alike for tables that differ by a dollar.
    """
    if cheapest is None or dearest is None:
        return USUAL
    return Bounds(_band(cheapest).lowest, _band(dearest).highest)


def _band(price: float) -> Bounds:
    return next((band for band in BANDS if price < band.highest + 1), BANDS[-1])


def resolved(min_price: int, max_price: int, train: Bounds = USUAL) -> Bounds:
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
            f"A language model says whole dollars from {self.bounds} here, and {_percent(self.share)} of the rows with "
            "a price lie outside: their prices can't come out right."
        )

    def refusal(self, name: str) -> str:
        """Why nothing is learned from these rows of `name`; "" while 20 % of them or fewer lie outside."""
        if self.share <= REFUSE_SHARE:
            return ""
        return (
            f"A fine-tune learns whole dollars from {self.bounds}, and {_percent(self.share)} of the rows of {name} to "
            "learn from lie outside, so it would learn wrong prices; choose other rows or bounds, give prices in "
            f"another unit so that they lie between $1 and ${MOST:,}, or use a technique without a language model."
        )


def _percent(share: float) -> str:
    """A share in percent; never "100 %" while a row lies inside."""
    percent = 100 * share
    if share < 1:
        percent = min(percent, 99.9)
    return f"{percent:.1f} %" if percent < 10 or 99 < percent < 100 else f"{percent:.0f} %"
