"""The parts of a dataset that ways of pricing learn from, and the rows that all of them are measured on."""

from dataclasses import dataclass

import polars as pl

from db import datasets
from db.engine import Session
from db.types import Split
from worker.finetune.rows import sample
from worker.specs.data_need import DataNeedSpec

SEED = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one way learns from and is measured on: frames of ITEM_SCHEMA with prices."""

    way: str
    train: pl.DataFrame
    choosing: pl.DataFrame  # validation rows by which a technique may choose
    measured: pl.DataFrame  # other validation rows, the same for all parts and ways


def part_of(session: Session, dataset_id: int, spec: DataNeedSpec, way: str, rows: int) -> Part:
    """A larger part contains every smaller one. The test side is not touched: it stays unseen for the comparison that
    comes after the decision."""
    train, validation = (
        datasets.items(session, dataset_id, side, per_unit=True) for side in (Split.TRAIN, Split.VALIDATION)
    )
    priced = pl.col("price") > 0
    order = sample(validation.filter(priced), 0, SEED)
    half = len(order) // 2
    return Part(way, sample(train.filter(priced), rows, SEED), order[:half], order[half:][: spec.measured])
