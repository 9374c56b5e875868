"""Corrects a model's prices by what it got wrong on validation rows: which statistic, which line, how wide."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST = 20  # validation answers; with fewer nothing is corrected
COVERAGE = 0.9
SLOPES = (0.2, 2.0)  # of the line: never falling, and no wild stretch from a few rows
_FOLDS = 5
_NARROWEST = 0.05  # log scale: a model that is certain is still off by some


@dataclass(frozen=True, slots=True)
class Correction:
    """log price' = intercept + slope x log price; the interval's distance to the price times `stretch`."""

    statistic: str = "median"
    intercept: float = 0.0
    slope: float = 1.0
    stretch: float | None = None  # None: the interval follows the line, its width is the model's
    rows: int = 0  # validation answers behind it

    def apply(self, price: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
        """Corrected price, low, high ($). NaN stays NaN; without a raw interval it is a constant ratio around price."""
        centre, down, up = _logs(self, price, low, high)
        stretch = 1.0 if self.stretch is None else self.stretch
        return np.exp(centre), np.exp(centre - stretch * down), np.exp(centre + stretch * up)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_json(text: bytes) -> "Correction":
        return Correction(**json.loads(text))


def learn(guesses: Mapping[str, Floats], low: Floats, high: Floats, truth: Floats, *, recalibrate: bool) -> Correction:
    """The correction that validation rows ask for.

    guesses: statistic -> prices ($), the candidates in order of preference; the one with the least mean absolute error
    wins. With `recalibrate`, prices are put on a line in log-log space: Theil-Sen slope (Sen 1968) within SLOPES,
    median intercept, so that a few wild rows do not turn it; and intervals are stretched to cover COVERAGE by
    split-conformal scores (Lei et al. 2018), |log truth - log price| / own width. Statistic and stretch are judged on
    lines that were fitted on the other folds. NaN = no answer. With fewer than FEWEST answers the first statistic
    stays as it is.
    """
    first = next(iter(guesses))
    known = np.isfinite(truth) & (truth > 0)
    best = Correction(first)
    least = math.inf
    for statistic, price in guesses.items():
        usable = known & np.isfinite(price) & (price > 0)
        if usable.sum() < FEWEST:
            continue
        rows = [column[usable] for column in (price, low, high, truth)]
        judged = _judge(statistic, *rows, recalibrate=recalibrate)
        if judged[1] < least:
            best, least = judged
    return best


def _judge(
    statistic: str, price: Floats, low: Floats, high: Floats, truth: Floats, *, recalibrate: bool
) -> tuple[Correction, float]:
    """The correction of one statistic and its mean absolute error ($) on rows that its line has not seen."""
    plain = Correction(statistic, rows=len(price))
    if not recalibrate:
        return plain, float(np.abs(price - truth).mean())
    fold = np.arange(len(price)) % _FOLDS
    guess, score = np.empty(len(price)), np.empty(len(price))
    for number in range(_FOLDS):
        out = fold == number
        line = _line(plain, price[~out], truth[~out])
        centre, down, up = _logs(line, price[out], low[out], high[out])
        off = np.log(truth[out]) - centre
        guess[out], score[out] = np.exp(centre), np.where(off < 0, -off / down, off / up)
    place = min(len(score), math.ceil((len(score) + 1) * COVERAGE))
    line = replace(_line(plain, price, truth), stretch=float(np.sort(score)[place - 1]))
    return line, float(np.abs(guess - truth).mean())


def _line(plain: Correction, price: Floats, truth: Floats) -> Correction:
    x, y = np.log(price), np.log(truth)
    one, other = np.triu_indices(len(x), 1)
    apart = np.abs(x[other] - x[one]) > 1e-9
    rises = (y[other] - y[one])[apart] / (x[other] - x[one])[apart]
    # A model that says the same about everything can be corrected in level only.
    slope = float(np.median(rises)) if len(rises) else 1.0
    slope = min(max(slope, SLOPES[0]), SLOPES[1])
    return replace(plain, slope=slope, intercept=float(np.median(y - slope * x)))


def _logs(line: Correction, price: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """Corrected log price, and its distance to the interval's two ends."""
    with np.errstate(invalid="ignore", divide="ignore"):
        centre, bottom, top = (line.intercept + line.slope * np.log(values) for values in (price, low, high))
        down, up = (np.maximum(gap, _NARROWEST) for gap in (centre - bottom, top - centre))
    return centre, np.where(np.isnan(down), 1.0, down), np.where(np.isnan(up), 1.0, up)
