"""The error of predictions by the age of their neighbours' prices."""

import json
from typing import Any

import numpy as np
import polars as pl

from worker.evaluation import metrics, resampling
from worker.evaluation.resampling import LEVEL

EDGES = (1.0, 7.0, 30.0, 90.0, 365.0)
"""Days; an age on an edge belongs to the band above."""

BANDS = ("under a day", "1–7 days", "7–30 days", "30–90 days", "90–365 days", "over a year")

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "band": pl.String,  # of BANDS
    "order": pl.Int32,  # 0 = the youngest
    "n": pl.Int64,  # predictions with a price, a known truth and neighbours of this age
    "mae": pl.Float64,  # $
    "mae_low": pl.Float64,  # percentile bootstrap over items; null below 2 items
    "mae_high": pl.Float64,
    "level": pl.Float64,  # of that interval
    "median_ape": pl.Float64,  # share of the true price
}


def neighbour_age(evidence: pl.Series) -> pl.Series:
    """Median age in days of the neighbours that each prediction rests on; null where its evidence names none."""
    ages = []
    for text in evidence:
        known: Any = json.loads(text) if text else None
        neighbours = known.get("neighbours") or [] if isinstance(known, dict) else []
        found = [each["age_days"] for each in neighbours if each.get("age_days") is not None]
        ages.append(float(np.median(found)) if found else None)
    return pl.Series("age_days", ages, dtype=pl.Float64)


def by_age(frame: pl.DataFrame, n_boot: int = 1000, seed: int = 0, *, level: float = LEVEL) -> pl.DataFrame:
    """COLUMNS, one line per band of age that has a prediction, the youngest first.

    `frame` has truth and price ($), status, usd, saved_usd, seconds, tokens_in, tokens_out and evidence (JSON with
    neighbours and their age_days). A difference between bands need not come from the age: older prices may belong to
    other products. It is a reason to look, not a proof.
    """
    aged = frame.with_columns(neighbour_age(frame["evidence"])).filter(pl.col("truth").is_not_null())
    judged = metrics.errors(aged).filter(pl.col("absolute").is_not_null() & pl.col("age_days").is_not_null())
    places = np.digitize(judged["age_days"].to_numpy(), EDGES)
    lines = []
    for order, band in enumerate(BANDS):
        part = judged.filter(pl.Series(places == order))
        if part.is_empty():
            continue
        low, high = _interval(part["absolute"].to_numpy(), n_boot, seed, level)
        lines.append(
            {
                "band": band,
                "order": order,
                "n": len(part),
                "mae": part["absolute"].mean(),
                "mae_low": low,
                "mae_high": high,
                "level": level,
                "median_ape": part["relative"].median(),
            }
        )
    return pl.DataFrame(lines, schema=COLUMNS)


def _interval(
    off: np.ndarray[Any, np.dtype[np.float64]], n_boot: int, seed: int, level: float
) -> tuple[float | None, float | None]:
    if len(off) < resampling.FEWEST_GROUPS:
        return None, None
    figure = resampling.means(off[:, None])
    blocks = resampling.weights(resampling.alone(len(off)), resampling.affordable(len(off), n_boot), seed)
    drawn = np.concatenate([figure(block) for block in blocks])[:, 0]
    return resampling.interval(drawn, float(off.mean()), level)
