"""Which prices may be kept at a wished hit rate, how sure each of them is, and what that promises.

A price is a hit when it is within a tolerance of the true one. Calibration rows are divided: from some a score of
certainty is learned, which sorts rows; the others certify it. A wish ("four prices in five within 20 %") is met by the
loosest limit on the score that they certify: Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021) with a
fixed sequence of limits, each tested by an exact binomial tail, as in selective classification (Geifman and El-Yaniv
2017). For rows like the calibration rows the true hit rate of what is kept is then at least the wished one in SURE of
all draws of the calibration rows, however good or bad the score is and however few rows there are. A bad score only
keeps fewer rows.

What sorts rows is a logistic regression of hits on the price, on the technique's own spread behind its interval, and on
how near and how dear the most similar products with a known price are (worker.evaluation.support).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import PredictionStatus
from worker.evaluation import conformal
from worker.evaluation.conformal import Intervals
from worker.evaluation.measures import hit

TOLERANCES = (0.1, 0.2, 0.4)
"""Shares of the true price that a price may be off and count as a hit, which a person can choose among."""
USUAL_TOLERANCE = 0.2

SURE = 0.9
"""How often, over draws of the calibration rows, a promise is kept."""

FEWEST = 50
"""Answered calibration rows, near-duplicates counted once, below which nothing is promised: 20 would sort them and 30
certify."""

SUPPORT = ("similarity", "deviation", "middle")
"""Columns (worker.evaluation.support.SCHEMA) that predictions and calibration rows may have besides their own: what the
known prices of similar products say. Without them only price and interval sort rows."""

_SORTING = 0.4  # of the calibration rows: those that the score is learned from
_LIMITS = 40  # shares of the rows that may be kept: 2.5 % apart
_PRIOR = 2.0  # how firmly the score's weights are held near 0
_NEAR = 0.05  # log scale: distances below it are all alike
_FARTHEST = 2.5  # standard deviations: beyond, a feature says no more than there
_SEED = 20261127

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Promise:
    """What keeping the rows above a limit promises."""

    wish: float  # the hit rate that is promised
    limit: float  # of the score; -inf: every price is kept
    rows: int  # certifying rows above it
    low: float  # the hit rate that they would have certified, at least `wish`


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure prices of one technique are, learned from its calibration rows."""

    within: float
    rows: int  # calibration rows behind it, near-duplicates counted once
    intervals: Intervals
    centre: tuple[float, ...]  # of each feature
    scale: tuple[float, ...]  # 0: it says nothing
    weights: tuple[float, ...]
    odds: tuple[float, float]  # from the score to the log odds of a hit
    limits: Floats  # loosest first
    kept: Floats  # certifying rows above each limit
    foreseen: Floats  # their hit rate as the sorting rows let expect it
    low: Floats  # the least that their hits certify, each limit by itself

    def score(self, predictions: pl.DataFrame) -> Floats:
        """The score of each row (price, and low and high as `Intervals.around` gave them), higher is surer; NaN where
        there is no price."""
        design = _design(_features(predictions, self.intervals), np.array(self.centre), np.array(self.scale))
        score: Floats = design @ np.array(self.weights)
        return score

    def chance(self, predictions: pl.DataFrame) -> Floats:
        """The probability that each price is a hit; NaN where there is none. An estimate, which sorts as `score`."""
        chance: Floats = _share(self.odds[0] + self.odds[1] * self.score(predictions))
        return chance

    def promise(self, wish: float) -> Promise | None:
        """The loosest limit at which the wished hit rate (0 to 1) is certified; None: it can't be promised for any.

        The first limit that is tested is the one at which the sorting rows let expect the clearest answer, then come
        looser ones until one fails: the order is known before a certifying row's hit is looked at.
        """
        margin = (self.foreseen - wish) * np.sqrt(self.kept)
        place, last = int(np.argmax(margin)), -1
        while place >= 0 and self.low[place] >= wish:
            last, place = place, place - 1
        if last < 0:
            return None
        return Promise(wish, float(self.limits[last]), int(self.kept[last]), float(self.low[last]))

    def most(self, step: int = 1) -> float | None:
        """The highest hit rate, a multiple of `step` percent, that can be promised for some rows; None: not even the
        lowest."""
        percents = (percent / 100 for percent in range(99 // step * step, 0, -step))
        return next((wish for wish in percents if self.promise(wish) is not None), None)


def learn(calibration: pl.DataFrame, within: float) -> Certainty | None:
    """What calibration rows (worker.evaluation.calibration.SCHEMA, with group_id of near-duplicates) say of prices
    within a share of the true one; None where there are too few.

    One row of each group counts: copies would certify twice.
    """
    intervals = conformal.learn(calibration)
    answered = calibration.filter(
        pl.col("status") == str(PredictionStatus.OK), pl.col("price") > 0, pl.col("truth") > 0
    ).unique("group_id", keep="first", maintain_order=True)
    if intervals is None or len(answered) < FEWEST:
        return None
    answered = intervals.around(answered[np.random.default_rng(_SEED).permutation(len(answered))])
    hits = answered.select(hit(within)).to_series().to_numpy()
    features = _features(answered, intervals)
    cut = round(_SORTING * len(answered))
    centre, scale = _moments(features[:cut])
    design = _design(features, centre, scale)
    weights = _logistic(design[:cut], hits[:cut])
    score = design @ weights
    shares = np.linspace(0, 1, _LIMITS, endpoint=False)[1:]
    limits = np.array([-np.inf, *np.unique(np.quantile(score[:cut], shares))])
    above = score[cut:] >= limits[:, None]
    kept, found = above.sum(axis=1).astype(float), (above * hits[cut:]).sum(axis=1)
    foreseen = (above * _share(score[cut:])).sum(axis=1) / np.maximum(kept, 1)
    odds = _logistic(np.column_stack([np.ones(len(score) - cut), score[cut:]]), hits[cut:])
    return Certainty(
        within, len(answered), intervals, tuple(centre), tuple(scale), tuple(weights),
        (float(odds[0]), max(0.0, float(odds[1]))), limits, kept, foreseen, _certified(found, kept),
    )  # fmt: skip


def _moments(features: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each feature where it is known; 0 and 0 where it is nowhere, or never varies."""
    known = np.isfinite(features)
    counts = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, features, 0.0).sum(axis=0) / counts
    scale = np.sqrt(np.where(known, (features - centre) ** 2, 0.0).sum(axis=0) / counts)
    return centre, np.where(scale > 1e-6, scale, 0.0)


def _certified(hits: Floats, rows: Floats) -> Floats:
    """The lower ends of exact one-sided intervals (Clopper and Pearson 1934) of hit rates, at the level SURE."""
    from scipy import special  # a quarter of a second for every process that promises nothing

    low = special.betaincinv(np.maximum(hits, 1), rows - hits + 1, 1 - SURE)
    return np.where(hits > 0, low, 0.0)


def _features(predictions: pl.DataFrame, intervals: Intervals) -> Floats:
    """(n, 5): log price; logs of the technique's own spread, of the similar rows' deviation and of the price's distance
    from them; similarity. NaN where there is none, and in the whole row where there is no price."""
    price = predictions.select(pl.when(pl.col("price") > 0).then(pl.col("price").log())).to_series().to_numpy()
    similarity, deviation, middle = (
        predictions[name].fill_null(np.nan).to_numpy() if name in predictions.columns else np.full(len(price), np.nan)
        for name in SUPPORT
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.log(intervals.spread(predictions))
        features = [price, spread, np.log(deviation), np.log(np.abs(middle - price) + _NEAR), similarity]
    return np.column_stack([np.where(np.isfinite(price), each, np.nan) for each in features])


def _design(features: Floats, centre: Floats, scale: Floats) -> Floats:
    """(n, 12): one; each feature in standard deviations; its square; similarity times deviation. What never varies or
    is missing says nothing."""
    away = np.where(scale > 0, (features - centre) / np.where(scale > 0, scale, 1.0), 0.0)
    away = np.clip(np.nan_to_num(away), -_FARTHEST, _FARTHEST)
    design = np.column_stack([np.ones(len(away)), away, away**2 - 1, away[:, 4] * away[:, 2]])
    return np.where(np.isnan(features[:, :1]), np.nan, design)


def _share(odds: Floats) -> Floats:
    """Log odds as a share."""
    share: Floats = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return share


def _logistic(design: Floats, hits: Floats) -> Floats:
    """Weights of a logistic regression by Newton's method, held near 0 by a prior; the first column is that of ones,
    and hardly held."""
    weights = np.zeros(design.shape[1])
    held = np.diag([0.01, *np.full(design.shape[1] - 1, _PRIOR)])
    for _ in range(30):
        share = _share(design @ weights)
        step = np.linalg.solve(
            (design * (share * (1 - share))[:, None]).T @ design + held, design.T @ (hits - share) - held @ weights
        )
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return weights
