"""The parts of the known rows that each refit learns from, and those that it prices."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from worker.evaluation.folds import FOLDS, fold_numbers

Plan = Literal["folds", "origins"]

_VALIDATION_SEED = 11
_VALIDATION_FOLDS = 9


@dataclass(frozen=True, slots=True)
class Part:
    """Frames of ITEM_SCHEMA with prices and group_id."""

    train: pl.DataFrame
    validation: pl.DataFrame  # cut from what may be learned from, by whole groups
    priced: pl.DataFrame
    torn: int = 0  # priced rows with a near-duplicate among those learned from


def folds(known: pl.DataFrame, repeat: int) -> list[Part]:
    """Every known row is priced in exactly one of the parts; its near-duplicates are in the same fold. Another repeat
    has other folds."""
    numbers = fold_numbers(known["group_id"].to_numpy(), seed=repeat)
    return [_part(known.filter(numbers != fold), known.filter(numbers == fold), repeat) for fold in range(FOLDS)]


def origins(days: pl.Series, count: int) -> list[tuple[date, date | None]]:
    """The first day that each origin prices, and the first that it no longer does (None: it prices to the end).

    Days (of the known rows) are cut so that the later half of the rows is divided evenly, whole days together; there
    may be fewer origins than asked for, where there are few days.
    """
    ordered = np.sort(days.cast(pl.Int32).to_numpy())
    places = [len(ordered) * (count + place) // (2 * count) for place in range(count)]
    cuts = sorted({int(ordered[place]) for place in places if ordered[place] > ordered[0]}) if len(ordered) else []
    starts = pl.Series(cuts, dtype=pl.Int32).cast(pl.Date).to_list()
    return [(start, starts[place] if place < len(starts) else None) for place, start in enumerate(starts, 1)]


def from_origin(known: pl.DataFrame, first: date, end: date | None) -> Part:
    """What is dated before a day teaches; what is dated from it on, until the next origin, is priced."""
    later = (pl.col("date") >= first) & (pl.lit(True) if end is None else pl.col("date") < end)
    return _part(known.filter(pl.col("date") < first).drop("date"), known.filter(later).drop("date"), 0)


def _part(learned: pl.DataFrame, priced: pl.DataFrame, seed: int) -> Part:
    numbers = fold_numbers(learned["group_id"].to_numpy(), seed=_VALIDATION_SEED + seed, folds=_VALIDATION_FOLDS)
    torn = int(priced["group_id"].is_in(learned["group_id"].implode()).sum())
    return Part(learned.filter(numbers > 0), learned.filter(numbers == 0), priced, torn)
