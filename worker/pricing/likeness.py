"""The rows that a technique's intervals were learned on, beside others: the texts by which both are told apart."""

from collections.abc import Sequence

import polars as pl

from db import artifacts, datasets
from db.engine import Session
from db.types import Dataset, Job
from worker.evaluation import calibration
from worker.specs import BaseSpec


def calibrated_on(session: Session, source: Dataset, spec: BaseSpec) -> pl.DataFrame:
    """`texts` of the calibration rows of a fit on a dataset; empty where it has none."""
    part = artifacts.part(session, datasets.fit_hash(source, spec.fit_key), calibration.PART)
    return texts(session, source.id, calibration.read(part)["row"].to_list())


def priced(session: Session, job: Job, rows: Sequence[int]) -> pl.DataFrame:
    """`texts` of these rows of a job, to be set beside `calibrated_on`: what learned elsewhere shares no group with
    them, although the numbers of both tables' groups may be the same."""
    own = texts(session, job.dataset_id, rows)
    return own if job.source_id is None else own.with_columns(group_id=-1 - pl.col("group_id"))


def texts(session: Session, dataset_id: int, rows: Sequence[int]) -> pl.DataFrame:
    """ITEM_SCHEMA without prices, and group_id, of these rows."""
    items = datasets.items_to_price(session, dataset_id, 0, list(rows))
    return items.join(datasets.groups(session, dataset_id, rows), on="row", how="inner", maintain_order="left")
