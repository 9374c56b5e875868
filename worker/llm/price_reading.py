"""Reads the price that a model's answer means: out of its text, strictly, or out of its distribution over prices."""

import math
import re
from collections.abc import Sequence
from typing import get_args

import numpy as np
import numpy.typing as npt

from worker.amounts.currencies import CURRENCIES
from worker.llm.base import LEVELS, Reading, Spent, Statistic

Floats = npt.NDArray[np.float64]

STATISTICS: tuple[Statistic, ...] = get_args(Statistic)
LIKELIEST = 12  # prices kept as evidence: enough to see the shape

# Three digits behind a point may be thousands; more, or behind 0, are none.
_NUMBER = r"0\.\d{1,6}(?![\d,.]*\d)|\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?(?![\d,.]*\d)|\d{1,9}(?:\.\d{1,2})?(?![\d,.]*\d)"
_SIGNS, _CODES = "€£¥￥₩₹₽₺₴₪฿₫₱", "|".join(CURRENCIES)
_MARKED = re.compile(
    rf"(?<![\w.])(?P<minus>-\s?)?(?:(?:US)?\$|[{_SIGNS}]|\b(?:{_CODES}))\s?(?P<before>{_NUMBER})(?![\w%])"
    rf"|(?<![\d.,${_SIGNS}-])(?P<after>{_NUMBER})\s?(?:\$|[{_SIGNS}]|(?:{_CODES}|dollars?|euros?|bucks|yen|zł)\b)",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"\s*(?:price\s*(?:is|:|=)\s*)?(?P<number>{_NUMBER})\s*\.?\s*", re.IGNORECASE)


def parse_price(text: str) -> float | None:
    """The one price that a text names, else None. Never 0.

    Amounts with a currency count first: "1. The price is $40" is 40. Without any, the text as a whole must be a
    number ("40", "Price: 40."). Two different amounts ("$40 or $50") are no answer.
    """
    amounts = set()
    for match in _MARKED.finditer(text):
        if match["minus"]:
            return None
        amounts.add(float((match["before"] or match["after"]).replace(",", "")))
    if not amounts and (alone := _ALONE.fullmatch(text)):
        amounts.add(float(alone["number"].replace(",", "")))
    if len(amounts) != 1:
        return None
    price = amounts.pop()
    return price if price > 0 else None


def parse_completion(text: str) -> float | None:
    """The price in a completion of "... Price: $": the number it starts with, on its first line."""
    first = (text.lstrip(" ").splitlines() or [""])[0]
    found = re.match(_NUMBER, first)
    return parse_price("$" + found[0]) if found else parse_price(first)


def statistics(distribution: Floats, statistic: Statistic, prices: Floats) -> Floats:
    """(n,) prices from (n, P) distributions over (P,) rising prices; rows sum to 1. NaN where a row has no mass.

    The median minimises the expected absolute error, the log-mean (geometric mean) the expected squared log error.
    """
    empty = ~(distribution.sum(1) > 0)
    if statistic == "median":
        out = quantile(distribution, 0.5, prices)
    elif statistic == "mean":
        out = distribution @ prices
    elif statistic == "log-mean":
        out = np.exp(distribution @ np.log(prices))
    elif statistic == "mode":
        out = prices[distribution.argmax(1)]
    else:
        raise ValueError(f"{statistic} is not a statistic of a distribution")
    return np.where(empty, math.nan, out)


def quantile(distribution: Floats, q: float, prices: Floats) -> Floats:
    """(n,) lowest of (P,) prices at or below which at least a share q of the mass lies. NaN where a row has no mass."""
    mass = distribution.cumsum(1)
    total = mass[:, -1]
    # The slack keeps rounding in the running sum from moving a quantile that falls exactly on a step.
    place = (mass < (q * total - 1e-12)[:, None]).sum(1)
    return np.where(total > 0, prices[np.minimum(place, len(prices) - 1)], math.nan)


def likeliest(distribution: Floats, prices: Floats, best: int = LIKELIEST) -> dict[str, float]:
    """The most probable of (P,) prices with one distribution, {dollars: share}, likeliest first."""
    top = np.argsort(-distribution, kind="stable")[:best]
    return {f"{prices[p]:.9g}": round(float(distribution[p]), 4) for p in top if distribution[p] > 0}


def readings(distributions: Floats, prices: Floats, spent: Sequence[Spent]) -> list[Reading]:
    """One reading per distribution over (P,) prices, rows of (n, P). A row without mass has no statistics: no price can
    be read."""
    values = {name: statistics(distributions, name, prices) for name in STATISTICS}
    levels = np.stack([quantile(distributions, q, prices) for q in LEVELS], 1)
    return [
        Reading(
            cost,
            statistics={name: float(values[name][i]) for name in STATISTICS} if distributions[i].any() else {},
            quantiles=tuple(map(float, levels[i])) if distributions[i].any() else (),
            evidence={"likeliest": likeliest(distributions[i], prices)},
        )
        for i, cost in enumerate(spent)
    ]
