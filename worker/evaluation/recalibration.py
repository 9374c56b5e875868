"""Corrects a model's prices by what it got wrong on validation rows: which statistic, which line."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST = 20  # validation answers; with fewer nothing is corrected
SLOPES = (0.2, 2.0)  # of the line: never falling, and no wild stretch from a few rows
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Correction:
    """log price' = intercept + slope x log price; the ends of the model's own interval follow the same line."""

    statistic: str = "median"
    intercept: float = 0.0
    slope: float = 1.0
    rows: int = 0  # validation answers behind it

    def apply(self, price: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
        """Corrected price, low, high ($). NaN stays NaN."""
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = [np.exp(self.intercept + self.slope * np.log(values)) for values in (price, low, high)]
        return moved[0], moved[1], moved[2]

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_json(text: bytes) -> "Correction":
        return Correction(**json.loads(text))


def learn(guesses: Mapping[str, Floats], truth: Floats, *, recalibrate: bool) -> Correction:
    """The correction that validation rows ask for.

    guesses: statistic -> prices ($), the candidates in order of preference; the one with the least mean absolute error
    wins. With `recalibrate`, prices are put on a line in log-log space: Theil-Sen slope (Sen 1968) within SLOPES,
    median intercept, so that a few wild rows do not turn it. A statistic is judged on lines that were fitted on the
    other folds. NaN = no answer. With fewer than FEWEST answers the first statistic
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
        judged = _judge(statistic, price[usable], truth[usable], recalibrate=recalibrate)
        if judged[1] < least:
            best, least = judged
    return best


def _judge(statistic: str, price: Floats, truth: Floats, *, recalibrate: bool) -> tuple[Correction, float]:
    """The correction of one statistic and its mean absolute error ($) on rows that its line has not seen."""
    plain = Correction(statistic, rows=len(price))
    if not recalibrate:
        return plain, float(np.abs(price - truth).mean())
    fold = np.arange(len(price)) % _FOLDS
    guess = np.empty(len(price))
    for number in range(_FOLDS):
        out = fold == number
        line = _line(plain, price[~out], truth[~out])
        guess[out] = np.exp(line.intercept + line.slope * np.log(price[out]))
    return _line(plain, price, truth), float(np.abs(guess - truth).mean())


def _line(plain: Correction, price: Floats, truth: Floats) -> Correction:
    x, y = np.log(price), np.log(truth)
    one, other = np.triu_indices(len(x), 1)
    apart = np.abs(x[other] - x[one]) > 1e-9
    rises = (y[other] - y[one])[apart] / (x[other] - x[one])[apart]
    # A model that says the same about everything can be corrected in level only.
    slope = float(np.median(rises)) if len(rises) else 1.0
    slope = min(max(slope, SLOPES[0]), SLOPES[1])
    return replace(plain, slope=slope, intercept=float(np.median(y - slope * x)))
