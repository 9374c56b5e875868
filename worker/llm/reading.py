"""What price does a model's answer mean? Out of its text, strictly, or out of its distribution over prices."""

import json
import math
import re

import numpy as np
import numpy.typing as npt

from worker.llm.base import Statistic

Floats = npt.NDArray[np.float64]

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?(?![\d,.]*\d)|\d{1,9}(?:\.\d{1,2})?(?![\d,.]*\d)"
_MARKED = re.compile(
    rf"(?<![\w.])(?P<minus>-\s?)?(?:(?:US)?\$|€|£|\bUSD|\bEUR)\s?(?P<before>{_NUMBER})(?![\w%])"
    rf"|(?<![\d.,$€£-])(?P<after>{_NUMBER})\s?(?:\$|€|£|(?:USD|EUR|dollars?|euros?|bucks)\b)",
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


def statistics(distribution: Floats, statistic: Statistic) -> Floats:
    """(n,) prices from (n, P) distributions, column p = p + 1 dollars; rows sum to 1. NaN where a row has no mass.

    The median minimises the expected absolute error, the log-mean (geometric mean) the expected squared log error.
    """
    prices = np.arange(1, distribution.shape[1] + 1, dtype=np.float64)
    empty = ~(distribution.sum(1) > 0)
    if statistic == "median":
        out = quantile(distribution, 0.5)
    elif statistic == "mean":
        out = distribution @ prices
    elif statistic == "log-mean":
        out = np.exp(distribution @ np.log(prices))
    elif statistic == "mode":
        out = prices[distribution.argmax(1)]
    else:
        raise ValueError(f"{statistic} is not a statistic of a distribution")
    return np.where(empty, math.nan, out)


def quantile(distribution: Floats, q: float) -> Floats:
    """(n,) lowest prices at or below which a share of at least q of the mass lies. NaN where a row has no mass."""
    mass = distribution.cumsum(1)
    total = mass[:, -1]
    # The slack keeps rounding in the running sum from moving a quantile that falls exactly on a step.
    place = (mass < (q * total - 1e-12)[:, None]).sum(1)
    return np.where(total > 0, place + 1.0, math.nan)


def summary(distribution: Floats, best: int = 5) -> str:
    """JSON of one distribution (P,): its quartiles and the likeliest prices."""
    row = distribution[None]
    top = np.argsort(-distribution, kind="stable")[:best]
    return json.dumps(
        {
            "quartiles": [float(quantile(row, q)[0]) for q in (0.25, 0.5, 0.75)],
            "likeliest": {str(int(p) + 1): round(float(distribution[p]), 3) for p in top if distribution[p] > 0},
        }
    )
