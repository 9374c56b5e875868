"""What several techniques said about the same rows, side by side, for those that are made of others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import PredictionStatus
from worker.evaluation import calibration
from worker.evaluation.folds import Folds
from worker.evaluation.resampling import Floats
from worker.techniques.base import Member

PART = "combination.json"
"""The part of an artifact that says how members are combined, and what validation rows say of each."""


@dataclass(frozen=True, slots=True)
class Said:
    """(n, members) each; NaN = nothing."""

    rows: pl.DataFrame  # row, truth ($), group_id of near-duplicates
    price: Floats  # $
    low: Floats  # $
    high: Floats  # $
    usd: Floats  # that asking took, now or before; NaN = nobody knows

    @property
    def truth(self) -> Floats:
        return numbers(self.rows["truth"])

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        return self.rows["group_id"].to_numpy()


def learned_from(members: Sequence[Member]) -> Said:
    """What the members said about the validation rows that none of them learned from."""
    frames = [member.calibration for member in members]
    rows = frames[0].select("row", "truth", "group_id").sort("row")
    for frame in frames[1:]:
        rows = rows.join(frame.select("row"), on="row", how="semi", maintain_order="left")
    said = [rows.join(frame, on="row", how="left", maintain_order="left") for frame in frames]
    return Said(rows, *(_side_by_side(said, name) for name in ("price", "low", "high", "usd")))


def calibrated(
    rows: pl.DataFrame, folds: Folds, validation: pl.DataFrame, price: Callable[[int, pl.DataFrame], pl.DataFrame]
) -> dict[str, bytes]:
    """The part of the artifact with the calibration rows: `rows` (row, truth), each priced as weights or limits have it
    that were learned on the other folds. `price` prices items as those of a fold are; nothing is kept of fewer rows
    than calibrate.

    What the final weights make of the rows that they were learned on would look better than they are.
    """
    if len(rows) < calibration.FEWEST:
        return {}
    hidden = validation.with_columns(price=pl.lit(None, pl.Float64))
    items = rows.select("row").join(hidden, on="row", how="left", maintain_order="left").select(hidden.columns)
    priced = pl.concat([price(int(fold), items.filter(folds == fold)) for fold in np.unique(folds)])
    in_order = rows.select("row").join(priced, on="row", how="left", maintain_order="left")
    return {calibration.PART: calibration.to_bytes(rows["truth"], in_order)}


def _side_by_side(frames: Sequence[pl.DataFrame], name: str) -> Floats:
    return np.stack([numbers(frame[name]) for frame in frames], axis=1)


def numbers(series: pl.Series) -> Floats:
    """NaN for null."""
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def per_1000(usd: Floats) -> list[float | None]:
    """Cost of each member per 1,000 rows ($); None: unknown, or nobody measured it."""
    if not len(usd):
        return [None] * usd.shape[1]
    return [None if np.isnan(cost) else 1000 * float(cost) for cost in usd.mean(axis=0)]


class Books:
    """What several members took for n items, added up row by row, and of each alone."""

    def __init__(self, n: int) -> None:
        self._sums = {name: np.zeros(n) for name in _SUMMED}
        self._usd = np.zeros(n)
        self._took: list[list[dict[str, Any]]] = [[] for _ in range(n)]

    def add(self, member: int, priced: pl.DataFrame, places: npt.NDArray[np.intp] | None = None) -> None:
        """Add the predictions of one member, by its place in the spec; `places` of its rows among the items, where it
        was not asked about all."""
        where = np.arange(len(priced)) if places is None else places
        for name, total in self._sums.items():
            total[where] += priced[name].fill_null(0).to_numpy()
        self._usd[where] += numbers(priced["usd"])
        alone = priced.select(_WORTH.alias("usd"), *_USED)
        for place, line in zip(where, alone.iter_rows(named=True), strict=True):
            self._took[place].append({"member": member, **line})

    def columns(self) -> dict[str, Floats]:
        """As `predictions` takes them."""
        return self._sums

    def usd(self) -> list[float | None]:
        return [float(value) for value in self._usd]

    @property
    def took(self) -> list[list[dict[str, Any]]]:
        """Of each item, who was asked and what that took, now or before: member (its place in the spec), usd (null:
        nobody knows), seconds, tokens. Kept as evidence, because a member can't be priced anew from sums."""
        return self._took


_SUMMED = ("tokens_in", "tokens_out", "tokens_cached", "seconds", "saved_usd")
_USED = ("seconds", "tokens_in", "tokens_cached", "tokens_out")
_WORTH = (pl.col("usd") + pl.col("saved_usd").fill_null(0)).fill_nan(None)


def failed(statuses: Sequence[pl.Series]) -> pl.Series:
    """Which items no answer came to from any of the members that were asked."""
    return (
        pl.DataFrame([series.alias(str(place)) for place, series in enumerate(statuses)])
        .select(pl.all_horizontal(pl.all() == str(PredictionStatus.FAILED)))
        .to_series()
    )
