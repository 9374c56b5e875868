"""The two lists that a wished hit rate makes of priced rows, kept prices and rows for a person, and what test rows say.

Predictions are frames with price, low, high ($) and status; where their true price is known also truth, and group_id
of near-duplicates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import PredictionStatus
from worker.evaluation import resampling
from worker.evaluation.certainty import Certainty, Promise
from worker.evaluation.measures import hit
from worker.evaluation.resampling import LEVEL
from worker.evaluation.slices import NO_CATEGORY, OTHER, bands

NO_ANSWER, UNLIKE, UNSURE = "no answer", "unlike what was learned from", "interval too wide"
REASONS = (NO_ANSWER, UNLIKE, UNSURE)
"""Why a row is for a person; the first that holds is the one that is named."""

CURVE: dict[str, pl.DataType] = {
    "job_id": pl.Int64(),
    "share": pl.Float64(),  # of the test rows whose price is kept, the surest first
    "n": pl.Int64(),  # rows kept
    "expected": pl.Float64(),  # hit rate that calibration rows let expect
    "realised": pl.Float64(),  # on the test rows
    "low": pl.Float64(),  # bootstrap over groups; null: too few, or all alike
    "high": pl.Float64(),
}
SEGMENTS: dict[str, pl.DataType] = {
    "slice": pl.String(),  # "" = all rows
    "order": pl.Int64(),
    "rows": pl.Int64(),
    **{name: kind for name, kind in CURVE.items() if name != "job_id"},
}

_POINTS = 40  # of a curve
_RESAMPLES = 500
_FEWEST = resampling.FEWEST_GROUPS

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Realised:
    """The share of hits among kept rows whose true price is known."""

    rows: int
    share: float
    low: float | None  # bootstrap over groups; None: too few, or all alike
    high: float | None
    level: float  # of that interval


def divide(
    predictions: pl.DataFrame, certainty: Certainty, promise: Promise | None, unlike: Sequence[int] = ()
) -> pl.DataFrame:
    """The predictions with chance (that the price is a hit; null without one) and reason (REASONS; "" = the price is
    kept). No promise: every row is for a person. `unlike`: rows (numbers) that no promise holds for."""
    score = certainty.score(predictions)
    limit = promise.limit if promise is not None else np.inf
    answered = (pl.col("status") == str(PredictionStatus.OK)) & pl.col("price").is_finite()
    sure = pl.Series(np.nan_to_num(score, nan=-np.inf) >= limit) & pl.Series(~np.isnan(score))
    reason = (
        pl.when(~answered.fill_null(False))
        .then(pl.lit(NO_ANSWER))
        .when(pl.col("row").is_in(list(unlike)))
        .then(pl.lit(UNLIKE))
        .when(~pl.lit(sure))
        .then(pl.lit(UNSURE))
        .otherwise(pl.lit(""))
    )
    chance = pl.when(answered).then(pl.lit(pl.Series(certainty.chance(predictions), nan_to_null=True)))
    return predictions.with_columns(chance=chance, reason=reason)


def realised(divided: pl.DataFrame, within: float, *, level: float = LEVEL) -> Realised | None:
    """The hits among the kept rows of `divide`; None where no true price of one is known."""
    kept = divided.filter(pl.col("reason") == "", pl.col("truth").is_not_null())
    if kept.is_empty():
        return None
    [line] = _figures(kept, np.ones((1, len(kept)), dtype=bool), within, level)
    return Realised(len(kept), *line, level)


def curve(predictions: pl.DataFrame, certainty: Certainty, *, level: float = LEVEL) -> pl.DataFrame:
    """CURVE of one job's rows with a known true price: what keeping ever more of them brings, the surest first.

    Rows that are equally sure are kept together. The share counts rows without an answer among the others.
    """
    known = predictions.filter(pl.col("truth").is_not_null())
    score = certainty.score(known)
    answered = known.with_columns(score=pl.Series(score), chance=pl.Series(certainty.chance(known))).filter(
        pl.col("score").is_not_nan()
    )
    if answered.is_empty():
        return pl.DataFrame(schema=CURVE)
    score = answered["score"].to_numpy()
    limits = np.unique(np.quantile(score, np.linspace(0, 1, _POINTS, endpoint=False), method="higher"))[::-1]
    kept = score >= limits[:, None]
    figures = _figures(answered, kept, certainty.within, level)
    n = kept.sum(axis=1)
    return pl.DataFrame(
        {
            "job_id": np.full(len(limits), known["job_id"][0]),
            "share": n / len(known),
            "n": n,
            "expected": (kept @ answered["chance"].to_numpy()) / n,
            **{name: [line[place] for line in figures] for place, name in enumerate(("realised", "low", "high"))},
        },
        schema=CURVE,
    )


def segments(
    divided: pl.DataFrame, within: float, *, by: str = "", top: int = 12, level: float = LEVEL
) -> pl.DataFrame:
    """SEGMENTS of `divide`'s frame: all rows (by ""), by "band" of the predicted price, or by "category".

    share: of the segment's rows that are kept. expected and realised speak of the kept ones; realised is null where no
    true price is known.
    """
    named, order = sliced(divided, by, top)
    places = {name: place for place, name in enumerate(order)}
    lines = [
        _segment(name, places[name], part, within, level)
        for (name,), part in named.partition_by("slice", as_dict=True).items()
    ]
    return pl.DataFrame(lines, schema=SEGMENTS, orient="row").sort("order")


def sliced(divided: pl.DataFrame, by: str, top: int = 12) -> tuple[pl.DataFrame, list[str]]:
    """The rows of `divide`'s frame that belong to a segment, with slice (its name), and all names in order; `by` as in
    `segments`. Of categories the `top` with most rows are named."""
    if by == "band":
        labels, order = bands(divided["price"].fill_null(0.0).to_numpy())
        named = divided.filter(pl.col("price").is_not_null())
        named = named.with_columns(slice=pl.Series(labels, dtype=pl.String).filter(divided["price"].is_not_null()))
    elif by == "category":
        named = divided.with_columns(
            slice=pl.when(pl.col("category").fill_null("") == "").then(pl.lit(NO_CATEGORY)).otherwise("category")
        )
        largest = named.group_by("slice").len().sort("len", "slice", descending=[True, False])["slice"].head(top)
        order = [*largest.to_list(), OTHER]
        named = named.with_columns(
            slice=pl.when(pl.col("slice").is_in(largest.implode())).then("slice").otherwise(pl.lit(OTHER))
        )
    else:
        named, order = divided.with_columns(slice=pl.lit("")), [""]
    return named, order


def _segment(name: str, order: int, part: pl.DataFrame, within: float, level: float) -> dict[str, object]:
    kept = part.filter(pl.col("reason") == "")
    found = realised(part, within, level=level)
    return {
        "slice": name, "order": order, "rows": len(part), "share": len(kept) / len(part), "n": len(kept),
        "expected": kept["chance"].mean(), "realised": found and found.share, "low": found and found.low,
        "high": found and found.high,
    }  # fmt: skip


def _figures(
    answered: pl.DataFrame, kept: Mask, within: float, level: float
) -> list[tuple[float, float | None, float | None]]:
    """Hit rate and its interval of each of several choices among rows, kept (choices, rows).

    No interval where all hit or all miss: rows drawn again from these say nothing of what else there may be.
    """
    hits = answered.select(hit(within)).to_series().to_numpy()
    groups = resampling.number(answered["group_id"].to_numpy())
    pools = resampling.pooled(groups)
    figure = resampling.means(np.where(kept, hits, np.nan).T, pools)
    blocks = resampling.weights(pools, resampling.affordable(len(hits), _RESAMPLES), 0)
    rates = np.concatenate([figure(block) for block in blocks])
    lines: list[tuple[float, float | None, float | None]] = []
    for place, choice in enumerate(kept):
        share = float(hits[choice].mean())
        told = 0 < share < 1 and len(np.unique(groups[choice])) >= _FEWEST
        ends = resampling.interval(rates[:, place], share, level) if told else (None, None)
        lines.append((share, *ends))
    return lines
