"""The step of a refit: learn from a part of the known rows, and price the rest."""

import time

import polars as pl

from db import chunks, datasets, jobs, rates, results
from db.engine import Session, begin
from db.types import ITEM_SCHEMA
from worker import specs
from worker.progress import Aside, Progress
from worker.refits.index import PartResources
from worker.refits.parts import Part, folds, from_origin, origins
from worker.refits.results import Refit, name
from worker.specs import BaseSpec
from worker.techniques import build
from worker.work import Commit, Work

MOST_PRICED = 2_000
"""Rows that an origin prices at most: a sample of more says hardly more."""


def refit(work: Work) -> Commit:
    """Let a technique learn from a part of the known rows and price others; in folds until all are priced once."""
    job, spec = work.job, specs.parse(work.job.spec["technique"])
    [place] = work.chunk.rows
    with begin() as session:
        known = datasets.known_items(session, job.dataset_id)
    started, progress = time.perf_counter(), Aside(work.progress)
    if job.spec["plan"] == "folds":
        parts = folds(known.drop("date"), place)
    else:
        dated = known.filter(pl.col("date").is_not_null())
        first, end = origins(dated["date"], job.spec["count"])[place]
        part = from_origin(dated, first, end)
        parts = [Part(part.train, part.validation, _sampled(part.priced), part.torn)]
    priced = pl.concat([_priced(part, job.dataset_id, spec, progress) for part in parts])
    seconds = time.perf_counter() - started
    result = Refit(
        rows=tuple(priced["row"]),
        prices=tuple(priced["price"]),
        learned=round(sum(len(part.train) + len(part.validation) for part in parts) / len(parts)),
        torn=sum(part.torn for part in parts),
        seconds=round(seconds, 3),
    )

    def commit(session: Session) -> chunks.Tally:
        results.add(session, job.id, {name(place): result.as_json()})
        jobs.add_fixed_cost(session, job.id, seconds, rates.of_work(job, seconds))
        return chunks.Tally(items=1)

    return commit


def _sampled(priced: pl.DataFrame) -> pl.DataFrame:
    return priced.sample(min(len(priced), MOST_PRICED), seed=0).sort("row")


def _priced(part: Part, dataset_id: int, spec: BaseSpec, progress: Progress) -> pl.DataFrame:
    """row and price of the rows of a part; their own prices are hidden from the technique."""
    progress.advance(0)  # somebody may have cancelled the job
    technique = build(spec, PartResources(dataset_id))
    train, validation, priced = (
        frame.select(list(ITEM_SCHEMA)) for frame in (part.train, part.validation, part.priced)
    )
    if spec.learns:
        technique.load(technique.fit(train, validation, progress))
    return technique.price(priced.with_columns(price=pl.lit(None, pl.Float64)), progress).select("row", "price")
