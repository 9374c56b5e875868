"""What did a model that reads neighbours add to the neighbours? The same retrieval without it, on the same rows."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from db.types import PredictionStatus
from worker import amounts
from worker.evaluation import pairs, resampling
from worker.evaluation.pairs import Sample

SHARPNESS = 14.0  # as in the technique "neighbours"; chosen there on validation rows
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


def added(frame: pl.DataFrame, n_boot: int = 2000, seed: int = 0) -> dict[str, Any] | None:
    """n, mae ($, of the neighbours alone), model_mae ($), diff ($, model minus neighbours: negative = the model is
    better), diff_low, diff_high (95 %, paired, `pairs.differences`; None: too few rows) and verdict (a sentence).

    `frame` has truth, price, status and evidence (JSON object); rows without a price of both sides are left out. None
    when no row has both.
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
    sample = Sample(off, resampling.alone(len(rows)))
    (found,) = pairs.differences([sample], lambda errors, _: resampling.means(errors), n_boot, seed)
    gap, *ends = found.of(0, 1)
    low, high = (None if np.isnan(end) else end for end in ends)
    told = {"n": len(rows), "mae": float(off[:, 1].mean()), "model_mae": float(off[:, 0].mean()), "diff": gap}
    return told | {"diff_low": low, "diff_high": high, "verdict": _verdict(told, low, high)}


def _alone(evidence: pl.Series) -> pl.Series:
    prices = []
    for text in evidence:
        value = json.loads(text).get(EVIDENCE) if text else None
        prices.append(None if value is None else float(value))
    return pl.Series(prices, dtype=pl.Float64)


def _verdict(found: dict[str, Any], low: float | None, high: float | None) -> str:
    alone, n = f"the neighbours alone (MAE {amounts.usd(found['mae'], 1)})", found["n"]
    change = f"{'+' if found['diff'] > 0 else ''}{amounts.plain(found['diff'], 1)}"
    if low is None or high is None:
        return f"Too few rows to say what the model adds to {alone}: {change} on {n}."
    between = f"95 % interval {amounts.plain(low, 1)} to {amounts.plain(high, 1)}, {n} rows"
    if high < 0:
        return f"The model is better than {alone} by {amounts.usd(-found['diff'], 1)} ({between})."
    if low > 0:
        return f"The model is worse than {alone} by {amounts.usd(found['diff'], 1)} ({between}): leave it out."
    return f"The model is not shown to differ from {alone}: {change} ({between})."
