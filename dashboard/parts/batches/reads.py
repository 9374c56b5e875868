"""Reads of the Batches page: batches, the pricer, dataset and job of one; small, so nothing is cached."""

from collections.abc import Sequence

import polars as pl

from db import datasets as _datasets
from db import jobs as _jobs
from db import pricers as _pricers
from db.engine import begin
from db.types import Dataset, Job, JobKind, Pricer, PricerBatch
from worker.amounts import Money
from worker.batches import truth
from worker.evaluation.measures import USUAL
from worker.pricing import elsewhere

POINTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "batch": pl.String,
    "worse_by": pl.Float64,  # below 0: better than promised
    "low": pl.Float64,
    "high": pl.Float64,
    "broke": pl.Boolean,
}


def about(batch: PricerBatch) -> tuple[Dataset | None, Job | None, Pricer | None]:
    """What of a batch is still there."""
    with begin() as session:
        return (
            None if batch.dataset_id is None else _datasets.get(session, batch.dataset_id),
            None if batch.job_id is None else _jobs.get(session, batch.job_id),
            None if batch.pricer_id is None else _pricers.get(session, batch.pricer_id),
        )


def cautions(dataset: Dataset, job: Job) -> list[str]:
    """What may be wrong with a priced batch: what the look at its file found, and what its source never had."""
    with begin() as session:
        return [*dataset.inspection.get("warnings", ()), *elsewhere.sentences(session, job)]


def truth_job(batch: PricerBatch) -> Job | None:
    """The newest job that set a batch beside its real prices."""
    if batch.dataset_id is None:
        return None
    with begin() as session:
        its = [job for job in _jobs.all(session, batch.dataset_id, JobKind.TRUTH) if job.spec["batch"] == batch.id]
    return its[0] if its else None


def points(every: Sequence[PricerBatch]) -> dict[Money, pl.DataFrame]:
    """Currency -> POINTS of the batches whose promise can be judged, in the order in which they came."""
    lines: dict[Money, list[tuple[object, ...]]] = {}
    for batch in sorted(every, key=lambda each: each.id):
        came = truth.parse(batch.truth)
        kept = came.kept(USUAL) if came else None
        if came is None or kept is None or kept.low is None or kept.high is None:
            continue
        name = f"{batch.id}: {batch.file_name}"
        line = (name, kept.worse_by, kept.low, kept.high, kept.low > 0)
        lines.setdefault(came.money, []).append(line)
    return {money: pl.DataFrame(its, schema=POINTS, orient="row") for money, its in lines.items()}
