"""Known prices that nothing explains: how far each is from what several predictors say, what it likely was meant to be.

Predictors never saw the price that they judge. A price is as suspect as the predictor that it surprises least makes it,
in units of how much prices like it vary; where predictors disagree on the direction it is none.
"""

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

SUSPECTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,
    "price": pl.Float64,  # $, as it is known
    "score": pl.Float64,  # spreads that it is away from every predictor, at least
    "guess": pl.Float64,  # $, the middle of the predictors
    "likely": pl.Float64,  # $, what it probably was meant to be
    "reason": pl.String,  # key of REASONS
    "other": pl.Int64,  # row of the other one of a swapped pair; else null
}

REASONS: dict[str, str] = {
    "decimal": "the decimal sign is one place off",
    "cents": "it stands in cents, or the decimal sign is two places off",
    "thousand": "thousands are meant, or the decimal sign is three places off",
    "currency": "it stands in another currency",
    "pack": "it is the price of a whole pack, or of one piece of it",
    "typo": "a digit is missing or was typed twice",
    "swapped": "it is the price of another row, which has this one's",
    "unknown": "no usual mistake explains it",
}
"""Key -> the likely reason, in words."""

CURRENCIES = {"INR": 84.0, "JPY": 150.0, "SEK": 10.5, "CZK": 23.0, "MXN": 18.0, "PLN": 4.0, "HUF": 360.0, "KRW": 1350.0}
"""Units of a currency for a dollar, about: a wrong currency is off by far more than a rate moves in a year."""

SHARE, FEWEST = 0.01, 10
"""Suspects that are listed: this share of the prices, at least so many."""

_FACTORS = {
    10.0: "decimal",
    0.1: "decimal",
    100.0: "cents",
    0.01: "cents",
    1000.0: "thousand",
    0.001: "thousand",
    **dict.fromkeys(CURRENCIES.values(), "currency"),
}
_PRIORS = {
    "decimal": 0.0,
    "cents": 0.0,
    "thousand": -1.5,
    "currency": -2.0,
    "pack": -0.5,
    "typo": -1.5,
    "swapped": -1.0,
}
"""Logarithms: how much likelier one mistake is than another before the prices are looked at. A judgement, not measured;
it only orders explanations that fit equally well."""
_SURPRISE = 2.0  # spreads: no explanation is given that leaves the price further off than this

_PACK = re.compile(
    r"(?i)\b(?:pack|set|box|case|lot)\s+of\s+(\d{1,3})\b|\b(\d{1,3})[\s-]*(?:pack|pk|count|ct|pcs|pieces)\b"
)
_NEIGHBOUR_WEIGHT = 10.0  # how many neighbours count as much as the whole table does for the spread
_WILD = 3.0  # residuals beyond so many spreads count as this: a wrong price must not hide its neighbours


def scores(prices: Floats, guesses: Floats, near: Places) -> tuple[Floats, Floats]:
    """(n,) how suspect each price is, with the sign of what is wrong with it, and (n,) the spread of its surroundings.

    prices: (n,) $ above 0; guesses: (n, p) log $ of p predictors that did not see it; near: (n, k) places of items like
    it, whose residuals say how much such prices vary.
    """
    off = np.log(prices)[:, None] - guesses
    off = off - np.median(off, axis=0)
    whole = np.maximum(1.4826 * np.median(np.abs(off), axis=0), 1e-3)
    tame = np.clip(off, -_WILD * whole, _WILD * whole)
    spread = np.empty_like(off)
    for place in range(off.shape[1]):
        around = (tame[near, place] ** 2).sum(axis=1)
        spread[:, place] = np.sqrt(
            (_NEIGHBOUR_WEIGHT * whole[place] ** 2 + around) / (_NEIGHBOUR_WEIGHT + near.shape[1])
        )
    standard = off / spread
    agree = (np.sign(standard) == np.sign(standard[:, :1])).all(axis=1)
    least = np.abs(standard).min(axis=1)
    return np.where(agree, least * np.sign(standard[:, 0]), 0.0), spread.mean(axis=1)


def find(items: pl.DataFrame, guesses: Floats, near: Places) -> pl.DataFrame:
    """The most suspect prices of items (row, title, price in $), the worst first (SUSPECTS)."""
    if items.is_empty():
        return pl.DataFrame(schema=SUSPECTS)
    prices = items["price"].to_numpy().astype(float)
    signed, spread = scores(prices, guesses, near)
    worst = np.argsort(-np.abs(signed), kind="stable")[: max(FEWEST, round(SHARE * len(items)))]
    worst = worst[np.abs(signed[worst]) > 0]
    bias = np.median(np.log(prices)[:, None] - guesses, axis=0)
    middle = np.exp((guesses + bias).mean(axis=1))
    titles, rows = items["title"].to_list(), items["row"].to_list()
    usual = _endings(prices)
    partners = _swapped(worst, prices, middle, signed, spread)
    lines = []
    for place in worst:
        likely, reason = _explained(
            prices[place], middle[place], spread[place], titles[place], partners.get(int(place)), prices, usual
        )
        other = rows[partners[int(place)]] if reason == "swapped" else None
        lines.append((rows[place], prices[place], abs(signed[place]), middle[place], likely, reason, other))
    return pl.DataFrame(lines, schema=SUSPECTS, orient="row")


def _swapped(worst: Places, prices: Floats, middle: Floats, signed: Floats, spread: Floats) -> dict[int, int]:
    """Place -> place of pairs among the worst of which each has the price that fits the other, closest first."""
    dear, cheap = worst[signed[worst] > 0], worst[signed[worst] < 0]
    if not len(dear) or not len(cheap):
        return {}
    logs, fit = np.log(prices), np.log(middle)
    one = np.abs(logs[cheap][None, :] - fit[dear][:, None]) / spread[dear][:, None]
    other = np.abs(logs[dear][:, None] - fit[cheap][None, :]) / spread[cheap][None, :]
    gap = np.maximum(one, other)
    pairs: dict[int, int] = {}
    for flat in np.argsort(gap, axis=None):
        i, j = np.unravel_index(flat, gap.shape)
        if gap[i, j] > 1.0:
            break
        left, right = int(dear[i]), int(cheap[j])
        if left not in pairs and right not in pairs:
            pairs |= {left: right, right: left}
    return pairs


def _explained(
    price: float,
    guess: float,
    spread: float,
    title: str,
    partner: int | None,
    prices: Floats,
    usual: Callable[[float], float],
) -> tuple[float, str]:
    """The likeliest price and reason: what fits the guess, ends as prices here do, and is a usual mistake."""
    candidates = [(price / factor, reason) for factor, reason in _FACTORS.items()]
    for count in {int(number) for found in _PACK.findall(title) for number in found if number}:
        if count > 1:
            candidates += [(price / count, "pack"), (price * count, "pack")]
    candidates += [(value, "typo") for value in _typos(price)]
    if partner is not None:
        candidates.append((float(prices[partner]), "swapped"))
    weighed = [
        (-0.5 * (np.log(value / guess) / spread) ** 2 + _PRIORS[reason] + usual(value), value, reason)
        for value, reason in candidates
        if value > 0 and abs(np.log(value / guess)) < _SURPRISE * spread
    ]
    if not weighed:
        return round(guess, 2), "unknown"
    _, value, reason = max(weighed)
    return (round(guess, 2) if reason == "currency" else round(value, 2)), reason


def _typos(price: float) -> set[float]:
    """Prices that differ from this one by one digit left out or typed twice, before the decimal sign."""
    dollars, cents = f"{price:.2f}".split(".")
    shorter = {dollars[:place] + dollars[place + 1 :] for place in range(len(dollars)) if len(dollars) > 1}
    longer = {dollars[:place] + digit + dollars[place:] for place in range(len(dollars) + 1) for digit in "123456789"}
    return {float(f"{each}.{cents}") for each in shorter | longer if each and not each.startswith("0")}


def _endings(prices: Floats) -> Callable[[float], float]:
    """The logarithm of how usual the cents of a price are here, beside the average of all hundred."""
    cents = np.round(prices * 100).astype(np.int64) % 100
    share = (np.bincount(cents, minlength=100) + 1) / (len(cents) + 100)

    def usual(value: float) -> float:
        whole = value * 100
        if abs(whole - round(whole)) > 0.01:  # no price has fractions of a cent
            return -3.0
        return float(0.5 * np.log(share[round(whole) % 100] * 100))

    return usual
