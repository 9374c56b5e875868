"""Every verb about leaks, for pages and the command line alike: search, read what was found, measure without it."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from db import adapters, jobs, predictions, results
from db.engine import begin
from db.errors import NotReady
from db.job_results import LeakageResult
from db.types import JobKind, Queue, Split, Step
from worker import app
from worker.datasets import actions
from worker.evaluation import compare, without
from worker.evaluation.measures import USUAL
from worker.pricing import comparison, repeats


def search(dataset_id: int) -> int:
    """Look for test rows whose answer could have been seen; the job's id. One that is at work already is taken.

    Raises NotReady without test or train rows.
    """
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        test = dataset.splits.get(Split.TEST, 0)
        if not test or not dataset.splits.get(Split.TRAIN, 0):
            raise NotReady(f"{dataset.name} has no test rows or no train rows with a price, so nothing can leak.")
        newest = jobs.latest(session, dataset_id, JobKind.LEAKAGE)
        if newest and not newest.state.is_final:
            return newest.id
        return app.start_job(
            session,
            kind=JobKind.LEAKAGE,
            dataset_id=dataset_id,
            queue=Queue.CPU,
            chunks=[(Step.LEAKAGE, [])],
            items_total=test,
        )


def found(job_id: int) -> LeakageResult | None:
    """What a search found; None while it is at work."""
    with begin() as session:
        stored = results.get(session, job_id)
    return LeakageResult.parse(stored) if stored else None


def figures(job_ids: Sequence[int], rows: Sequence[int], by: str = USUAL) -> pl.DataFrame:
    """worker.evaluation.without.table of pricing jobs with and without the rows, and the verdicts on both: `verdict`,
    `verdict_without`. One line per technique, the one ahead first."""
    with begin() as session:
        frame = predictions.of_jobs(session, list(job_ids)).filter(pl.col("truth").is_not_null())
        again = repeats.heads([jobs.get(session, job_id) for job_id in job_ids], adapters.all(session))
    return measured(frame, rows, by, again)


def measured(frame: pl.DataFrame, rows: Sequence[int], by: str, again: Mapping[int, int]) -> pl.DataFrame:
    """`figures` of predictions that are read already (db.predictions.of_jobs); again: `worker.pricing.repeats.heads`
    of their jobs."""
    how: dict[str, Any] = {"by": by, "level": comparison.level(), "repeats": again}
    kept = frame.filter(~pl.col("row").is_in(list(rows)))
    whole = compare.table(frame, **how).select("job_id", "verdict", "level")
    rest = compare.table(kept, **how) if len(kept) else whole.clear()
    return whole.join(
        rest.select("job_id", verdict_without="verdict"), on="job_id", how="left", maintain_order="left"
    ).join(without.table(frame, rows, **how), on="job_id", how="left", maintain_order="left")
