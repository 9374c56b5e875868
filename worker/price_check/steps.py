"""The step that checks known prices: cheap predictors guess each without having seen it."""

import time

import polars as pl

from db import chunks, datasets, jobs, rates, results
from db.engine import Session, begin
from db.job_results import PriceCheckResult, PriceSuspect
from db.types import Split
from worker.evaluation import price_suspects
from worker.work import Commit, Work


def check(work: Work) -> Commit:
    """Rank the prices of train and validation rows; the job's result is a PriceCheckResult.

    The test side is left out: whoever puts its prices right by what predictors say measures them by themselves.
    """
    from worker.price_check.guesses import Predictors  # scikit-learn: two seconds of every worker that starts

    job, started = work.job, time.perf_counter()
    with begin() as session:
        sides = [
            datasets.items(session, job.dataset_id, side, details=True) for side in (Split.TRAIN, Split.VALIDATION)
        ]
    items = pl.concat(sides).filter(pl.col("price") > 0).sort("row")
    predictors = Predictors(items, work.progress)
    guesses = predictors.guesses(items["price"].to_numpy())
    suspects = price_suspects.find(items, guesses, predictors.near)
    lines = suspects.join(items.select("row", "title", "category"), on="row", how="left", maintain_order="left")
    result = PriceCheckResult(
        checked=len(items), suspects=tuple(PriceSuspect(**line) for line in lines.iter_rows(named=True))
    )
    seconds = time.perf_counter() - started

    def commit(session: Session) -> chunks.Tally:
        results.put(session, job.id, result.as_json())
        jobs.add_fixed_cost(session, job.id, seconds, rates.of_work(job, seconds))
        return chunks.Tally(items=len(items))

    return commit
