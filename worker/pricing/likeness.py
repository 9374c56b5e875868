"""The rows that a technique's intervals were learned on, beside others: the texts by which both are told apart."""

from collections.abc import Sequence

import polars as pl

from db import artifacts, datasets
from db.engine import Session
from db.types import Dataset
from worker.evaluation import calibration
from worker.specs import BaseSpec


def calibrated_on(session: Session, dataset: Dataset, spec: BaseSpec) -> pl.DataFrame:
    """`texts` of the calibration rows of a fit; empty where it has none."""
    part = artifacts.part(session, datasets.fit_hash(dataset, spec.fit_key), calibration.PART)
    return texts(session, dataset.id, calibration.read(part)["row"].to_list())


def texts(session: Session, dataset_id: int, rows: Sequence[int]) -> pl.DataFrame:
    """ITEM_SCHEMA without prices, and group_id, of these rows."""
    items = datasets.items_to_price(session, dataset_id, 0, list(rows))
    return items.join(datasets.groups(session, dataset_id, rows), on="row", how="inner", maintain_order="left")
