"""Intervals around prices that hold the true price in nine rows of ten, learned from calibration rows.

Split conformal prediction (Papadopoulos and others 2002; Lei and others 2018) on the log scale: an interval reaches as
far as the right quantile of what the technique got wrong on calibration rows. Normalised (Johansson and others 2014):
errors and reach count in units of the technique's own spread where it has one, so that a row it is unsure of gets a
wider interval. Mondrian (Vovk and others 2005; Boström and Johansson 2020): each band of predicted prices has its own
quantile, so that the promise holds for cheap and dear rows alike and not only in the mean of them.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import PredictionStatus
from worker.evaluation.calibration import FEWEST

COVERAGE = 0.9
"""The share of true prices that intervals promise to hold."""

WHY_NONE = (
    f"no intervals, because fewer than {FEWEST} validation rows with a price were left to learn their width from, or "
    "the job ran before there were any: load a larger table, or run it again."
)
"""What is said of a job without intervals; goes on after a colon."""

UNLIKE = 0.6
"""The share of pairs of a priced and a calibration row that may be told apart (worker.evaluation.drift) before the rows
are called unlike: by more than chance, and by enough to matter."""

SMALLEST_BAND = 75
"""Calibration rows that a band of predicted prices has at least. Coverage in a band differs from what is promised by
chance, with a standard deviation of 3.4 points at 75 rows and of 2.1 at 200."""
MOST_BANDS = 5
NARROWEST = 0.25  # of the usual spread: a technique that is certain of a row is still off by some

Floats = npt.NDArray[np.float64]


_ROUNDING = 1e-12
"""exp(log(x)) may be a last digit off, and then an interval would miss the very price that its end was learned from."""

_FURTHEST = 690.0
"""Logarithm of the highest end an interval has, beside which no price is anything: beyond 709 there is no number."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """How far intervals reach: by band of the predicted price, in units of the row's own spread."""

    edges: tuple[float, ...]  # $ between the bands, rising; a price on an edge belongs to the band above
    reach: tuple[float, ...]  # one more than edges
    usual: tuple[float, float]  # log scale: the spread below and above of a row of which the technique gives none
    rows: int  # calibration rows behind it

    def around(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """The predictions (price, low, high in $) with calibrated low and high instead of the technique's own; null
        where there is no price."""
        price, down, up = _logs(predictions, self.usual)
        reach = self._reach_at(price)
        ends = predictions.with_columns(
            low=pl.Series(np.exp(price - reach * down - _ROUNDING)),
            high=pl.Series(np.exp(np.minimum(price + reach * up + _ROUNDING, _FURTHEST))),
        )
        return ends.with_columns(
            low=pl.min_horizontal("low", "price").fill_nan(None), high=pl.max_horizontal("high", "price")
        ).with_columns(pl.when(pl.col("price") > 0).then(pl.col("low", "high").fill_nan(None)))

    def spread(self, predictions: pl.DataFrame) -> Floats:
        """The spread (log scale, below and above together) behind each interval that `around` made; NaN without one."""
        price, width = (
            predictions.select(column).to_series().fill_null(np.nan).to_numpy()
            for column in (pl.col("price").log(), (pl.col("high") / pl.col("low")).log())
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(width / self._reach_at(price), dtype=float)

    def _reach_at(self, price: Floats) -> Floats:
        return np.array(self.reach)[np.digitize(np.exp(price), self.edges)]


def learn(calibration: pl.DataFrame) -> Intervals | None:
    """What calibration rows (worker.evaluation.calibration.SCHEMA) say; None where fewer than FEWEST have a price.

    Bands hold about equally many rows, at least SMALLEST_BAND each where there is more than one.
    """
    answered = calibration.filter(
        pl.col("status") == str(PredictionStatus.OK), pl.col("price") > 0, pl.col("truth") > 0
    )
    if len(answered) < FEWEST:
        return None
    usual = _usual(answered)
    price, down, up = _logs(answered, usual)
    off = np.log(answered["truth"].to_numpy()) - price
    score = np.where(off < 0, -off / down, off / up)
    edges = _edges(answered["price"].to_numpy())
    band = np.digitize(np.exp(price), edges)
    reach = tuple(_quantile(score[band == place]) for place in range(len(edges) + 1))
    return Intervals(tuple(edges), reach, usual, len(answered))


def without(predictions: pl.DataFrame) -> pl.DataFrame:
    """The predictions without intervals: what a technique says of itself is no promise."""
    return predictions.with_columns(low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64))


def _quantile(score: Floats) -> float:
    """The value that the score of a further row does not pass with a chance of COVERAGE."""
    place = min(len(score), math.ceil((len(score) + 1) * COVERAGE))
    return float(np.sort(score)[place - 1])


def _edges(price: Floats) -> list[float]:
    """Cuts between bands of rising prices; equal prices stay together, and a rest that is too small joins the last."""
    bands = min(MOST_BANDS, len(price) // SMALLEST_BAND)
    if bands < 2:
        return []
    values, counts = np.unique(price, return_counts=True)
    edges, held, left = [], 0, len(price)
    for place in range(len(values) - 1):
        held, left = held + counts[place], left - counts[place]
        if held >= len(price) / bands and left >= SMALLEST_BAND:
            edges.append(math.sqrt(values[place] * values[place + 1]))
            held = 0
    return edges


def _usual(answered: pl.DataFrame) -> tuple[float, float]:
    """The median spread below and above of the rows that have one; 1 where none has, or none is spread at all."""
    own = answered.filter(pl.col("low") > 0, pl.col("high").is_finite())
    if own.is_empty():
        return 1.0, 1.0
    down, up = (own["price"] / own["low"]).log().median(), (own["high"] / own["price"]).log().median()
    return (float(down), float(up)) if down > 0 and up > 0 else (1.0, 1.0)  # type: ignore[operator, arg-type]


def _logs(frame: pl.DataFrame, usual: tuple[float, float]) -> tuple[Floats, Floats, Floats]:
    """Log price and the row's own spread below and above it, the usual one where it has none; NaN without a price."""
    price, low, high = (
        np.log(frame.select(pl.when(pl.col(name) > 0).then(pl.col(name))).to_series().fill_null(np.nan).to_numpy())
        for name in ("price", "low", "high")
    )
    spreads = ((price - low, usual[0]), (high - price, usual[1]))
    down, up = (np.where(np.isfinite(own), np.maximum(own, NARROWEST * other), other) for own, other in spreads)
    return price, down, up
