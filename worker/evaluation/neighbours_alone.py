"""What a model adds to the neighbours that it reads: the same retrieval without it, on the same rows."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from db.types import PredictionStatus
from worker import amounts
from worker.evaluation import metrics, pairs, resampling
from worker.evaluation.pairs import Sample
from worker.evaluation.resampling import LEVEL
from worker.specs import NeighboursSpec

SHARPNESS: float = NeighboursSpec.model_fields["sharpness"].default  # chosen there on validation rows
EVIDENCE = "neighbours_alone"


def weighted_median(prices: Sequence[float], similarities: Sequence[float]) -> float | None:
    """The price ($) below which half of the weight lies, weight = exp(SHARPNESS x (similarity - the best one's)).

    None without prices.
    """
    if not prices:
        return None
    values, closeness = np.asarray(prices, dtype=float), np.asarray(similarities, dtype=float)
    order = np.argsort(values, kind="stable")
    weight = np.exp(SHARPNESS * (closeness - closeness.max()))[order]
    place = int(np.searchsorted(weight.cumsum(), weight.sum() / 2))
    return float(values[order][min(place, len(order) - 1)])


@dataclass(frozen=True, slots=True)
class Added:
    """What the model added to the neighbours it read."""

    n: int  # rows with a price of both sides
    mae: float  # $, of the neighbours alone
    model_mae: float  # $
    diff: float  # $, model minus neighbours: negative = the model is better
    diff_low: float | None  # paired (`pairs.differences`); None: too few rows
    diff_high: float | None
    level: float = LEVEL  # of that interval
    weighted_by: str = ""  # the column that errors are weighted by; "": none

    @property
    def verdict(self) -> str:
        """The same in a sentence."""
        weighed = f" weighted by {self.weighted_by}" if self.weighted_by else ""
        alone, n = f"the neighbours alone (MAE{weighed} {amounts.price(self.mae, 1)})", self.n
        change = f"{'+' if self.diff > 0 else ''}{amounts.plain(self.diff, 1)}"
        low, high = self.diff_low, self.diff_high
        if low is None or high is None:
            return f"Too few rows to say what the model adds to {alone}: {change} on {n}."
        between = f"{amounts.level(self.level)} interval {amounts.plain(low, 1)} to {amounts.plain(high, 1)}, {n} rows"
        if high < 0:
            return f"The model is better than {alone} by {amounts.price(-self.diff, 1)} ({between})."
        if low > 0:
            return f"The model is worse than {alone} by {amounts.price(self.diff, 1)} ({between}): leave it out."
        return f"The model is not shown to differ from {alone}: {change} ({between})."

    def as_json(self) -> dict[str, float | str | None]:
        """As it is kept with a job's results."""
        return asdict(self) | {"verdict": self.verdict}


def added(
    frame: pl.DataFrame, column: str = "", n_boot: int = 2000, seed: int = 0, *, level: float = LEVEL
) -> Added | None:
    """The comparison on the rows of a frame that have a price of both sides; None when no row has both.

    `frame` has truth, price, status and evidence (JSON object), and weight, if errors are weighted by a `column`.
    """
    rows = frame.with_columns(alone=_alone(frame["evidence"])).filter(
        pl.col("truth").is_not_null()
        & pl.col("alone").is_not_null()
        & (pl.col("status") == str(PredictionStatus.OK))
        & pl.col("price").is_finite()
    )
    if rows.is_empty():
        return None
    off = rows.select(
        model=(pl.col("price") - pl.col("truth")).abs(), alone=(pl.col("alone") - pl.col("truth")).abs()
    ).to_numpy()
    weights = metrics.weights(rows)
    sample = Sample(off, resampling.alone(len(rows)), weights=weights)
    (differences,) = pairs.differences([sample], resampling.means, n_boot, seed, level)
    gap, *ends = differences.of(0, 1)
    low, high = (None if np.isnan(end) else end for end in ends)
    model, alone = np.average(off, axis=0, weights=weights)
    return Added(len(rows), float(alone), float(model), gap, low, high, level, column)


def _alone(evidence: pl.Series) -> pl.Series:
    prices = []
    for text in evidence:
        value = json.loads(text).get(EVIDENCE) if text else None
        prices.append(None if value is None else float(value))
    return pl.Series(prices, dtype=pl.Float64)
