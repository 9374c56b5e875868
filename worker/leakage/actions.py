"""Every verb about leaks, for pages and the command line alike: search, read what was found, measure without it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from db import adapters, jobs, results
from db.engine import begin
from db.errors import NotReady
from db.job_results import LeakageResult
from db.types import JobKind, Queue, Split, Step
from worker import app
from worker.datasets import actions
from worker.evaluation import compare, without
from worker.evaluation.measures import USUAL
from worker.pricing import comparison, known_prices, repeats


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


class Figures(NamedTuple):
    """What jobs get wrong with and without some rows."""

    table: pl.DataFrame  # worker.evaluation.without.COLUMNS, verdict, verdict_without; the one ahead first
    weighted_by: str  # the column that measures are weighted by; "": none


def figures(job_ids: Sequence[int], rows: Sequence[int], by: str = USUAL, *, weighted: bool = True) -> Figures:
    """The figures and verdicts of pricing jobs with and without the rows, one line per technique; weighted: by the
    dataset's column of weights, where there is one."""
    with begin() as session:
        frame, column = known_prices.of_jobs(session, job_ids, weighted=weighted)
        again = repeats.heads([jobs.get(session, job_id) for job_id in job_ids], adapters.all(session))
    return Figures(measured(frame, rows, by, again), column)


def measured(frame: pl.DataFrame, rows: Sequence[int], by: str, again: Mapping[int, int]) -> pl.DataFrame:
    """The table of `figures`, of predictions that are read already (worker.pricing.known_prices); again:
    `worker.pricing.repeats.heads` of their jobs."""
    how: dict[str, Any] = {"by": by, "level": comparison.level(), "repeats": again}
    kept = frame.filter(~pl.col("row").is_in(list(rows)))
    whole = compare.table(frame, **how).select("job_id", "verdict", "level")
    rest = compare.table(kept, **how) if len(kept) else whole.clear()
    return whole.join(
        rest.select("job_id", verdict_without="verdict"), on="job_id", how="left", maintain_order="left"
    ).join(without.table(frame, rows, **how), on="job_id", how="left", maintain_order="left")
