"""Every verb about refits, for pages and the command line alike: cross-fit a small table, go through origins."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from db import datasets, jobs, results
from db.engine import Session, begin
from db.errors import NotReady, UserError
from db.settings import settings
from db.types import NO_LIMITS, Dataset, Job, JobKind, JobState, Split, Step
from worker import specs
from worker.app import start_job
from worker.datasets import division
from worker.datasets.actions import ready
from worker.evaluation import ageing, cross_fit
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import planning
from worker.refits.parts import Plan, origins
from worker.refits.results import found
from worker.specs import BaseSpec, members_of

MEASURES = tuple(key for key, measure in DECIDING.items() if measure.average == "mean")
"""Those that a report can be judged by."""

MOST_ORIGINS = 12
"""Days that a table is cut at, at most."""


def priced_rows(dataset: Dataset) -> int:
    """How many rows have a price."""
    return sum(count for side, count in dataset.splits.items() if side != Split.UNPRICED)


def is_small(dataset: Dataset) -> bool:
    """Whether one split says too little, so that cross-fitting replaces it. A split of a person's own stays."""
    return 0 < priced_rows(dataset) < cross_fit.SMALL and division.PART not in dataset.profile


def advice(dataset: Dataset) -> str:
    """What a reader of a small table must know before she starts; "" for a table that is none."""
    priced = priced_rows(dataset)
    if not is_small(dataset):
        return ""
    return cross_fit.too_few(priced) or (
        f"Only {priced} rows have a price, of which one split leaves {dataset.splits.get(Split.TEST, 0)} for testing: "
        f"too few to tell techniques apart. Cross-fitting uses every row: each is priced {cross_fit.REPEATS} times by "
        "fits that have not seen it."
    )


def refusal(spec: BaseSpec) -> str:
    """Why a technique can't be fitted anew on parts of a table; "" where it can."""
    if spec.uses_endpoint:
        return "it would pay an endpoint for every row again and again"
    if spec.needs_adapter or getattr(spec, "adapter", False):
        return "its weights were trained once, on rows that each fit would have to do without"
    if members_of(spec):
        return "it is made of other techniques, whose answers are kept for the whole table; take its members"
    if getattr(spec, "limits", None) not in (None, NO_LIMITS):
        return "its search has limits, which a part of a knowledge base does not know"
    return ""


def cross_fit_with(dataset_id: int, chosen: Sequence[BaseSpec]) -> list[int]:
    """Cross-fit techniques on a small table; job ids, in their order. Raises NotReady for a table that is not small or
    too small, UserError for a technique that can't be fitted anew."""
    with begin() as session:
        dataset = ready(session, dataset_id)
        priced = priced_rows(dataset)
        if few := cross_fit.too_few(priced):
            raise NotReady(few)
        if division.PART in dataset.profile:
            raise NotReady(f"{dataset.name} has a split of its own, which stands: price its test rows.")
        if priced >= cross_fit.SMALL:
            raise NotReady(
                f"{dataset.name} has {priced:,} rows with a price: from {cross_fit.SMALL} on one split serves; price "
                "its test rows."
            )
        return [_start(session, dataset, spec, "folds", cross_fit.REPEATS) for spec in chosen]


def from_origins(dataset_id: int, chosen: Sequence[BaseSpec], count: int) -> list[int]:
    """Let techniques learn before each of several days and price what comes after; job ids, in their order. Raises
    NotReady for a table without dates enough, UserError for a technique that can't be fitted anew."""
    with begin() as session:
        dataset = ready(session, dataset_id)
        if "date" not in dataset.mapping:
            raise NotReady(f"{dataset.name} has no column of dates; load its file with a column mapped as date.")
        known = datasets.known_items(session, dataset_id).filter(pl.col("date").is_not_null())
        cuts = origins(known["date"], count)
        if len(known) < ageing.FEWEST_ROWS * 2 * count or len(cuts) < count:
            raise NotReady(
                f"{len(known):,} dated rows with a price do not give {count} origins of {ageing.FEWEST_ROWS} rows, "
                "each learning from as many at least; ask for fewer."
            )
        return [_start(session, dataset, spec, "origins", count) for spec in chosen]


def _start(session: Session, dataset: Dataset, spec: BaseSpec, plan: Plan, count: int) -> int:
    spec = planning.pinned(session, dataset, spec)
    if why := refusal(spec):
        raise UserError(f"{spec.label} can't be fitted anew on parts of a table: {why}.")
    asked = {"technique": spec.model_dump(mode="json"), "plan": plan, "count": count}
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    for job in jobs.all(session, dataset.id, JobKind.REFIT):
        if job.spec_hash == key and job.state not in (JobState.CANCELLED, JobState.FAILED):
            return job.id
    return start_job(
        session,
        kind=JobKind.REFIT,
        dataset_id=dataset.id,
        queue=planning.queue_for(session, spec),
        chunks=[(Step.REFIT, [place]) for place in range(count)],
        spec=asked,
        spec_hash=key,
        items_total=count,
        priority=planning.priority(dataset, spec),
    )


def of_dataset(dataset_id: int, plan: Plan) -> list[Job]:
    """The jobs that are done, the newest of each technique, in the order in which they were started."""
    with begin() as session:
        done = [job for job in jobs.all(session, dataset_id, JobKind.REFIT) if job.state is JobState.DONE]
    newest = {job.spec_hash: job for job in sorted(done, key=lambda job: job.id) if job.spec["plan"] == plan}
    return [job for job in newest.values() if job.archived_at is None]


def at_work(dataset_id: int, plan: Plan) -> list[Job]:
    """The jobs that are not over, in the order in which they were started."""
    with begin() as session:
        every = jobs.all(session, dataset_id, JobKind.REFIT)
    return sorted((job for job in every if not job.state.is_final and job.spec["plan"] == plan), key=lambda job: job.id)


class Report(NamedTuple):
    rows: list[dict[str, Any]]  # a line per technique, or per technique and origin
    names: dict[int, str]
    sentences: list[str]
    level: float


def _names(chosen: Sequence[Job]) -> dict[int, str]:
    return {job.id: specs.describe(specs.parse(job.spec["technique"])) for job in chosen}


def _long(session: Session, chosen: Sequence[Job]) -> pl.DataFrame:
    """job_id, repeat (or origin), row, price, with group_id, truth and date of the row."""
    frames = [
        pl.DataFrame(
            {"row": part.rows, "price": part.prices}, schema={"row": pl.Int64, "price": pl.Float64}
        ).with_columns(job_id=pl.lit(job.id, pl.Int64), repeat=pl.lit(place, pl.Int64))
        for job in chosen
        for place, part in found(results.get(session, job.id)).items()
    ]
    schema = {"row": pl.Int64, "price": pl.Float64, "job_id": pl.Int64, "repeat": pl.Int64}
    known = datasets.known_items(session, chosen[0].dataset_id).rename({"price": "truth"})
    every = pl.concat([pl.DataFrame(schema=schema), *frames])
    return every.join(known.select("row", "group_id", "truth", "date"), on="row", how="inner", maintain_order="left")


def cross_fitted(chosen: Sequence[Job], by: str = USUAL) -> Report:
    """worker.evaluation.cross_fit.table of finished jobs on one dataset, with the technique, and a sentence."""
    level, names = settings().confidence, _names(chosen)
    with begin() as session:
        prices = _long(session, chosen)
    lines = cross_fit.table(prices, by=by, level=level)
    rows = [{"technique": names[line["job_id"]], **line} for line in lines.iter_rows(named=True)]
    return Report(rows, names, [cross_fit.sentence(lines, names, by, level)], level)


def by_origin(chosen: Sequence[Job], by: str = USUAL) -> Report:
    """Errors of each technique from each origin, with intervals, and what they say of how results hang on the cut."""
    level, names = settings().confidence, _names(chosen)
    rows: list[dict[str, Any]] = []
    with begin() as session:
        prices = _long(session, chosen)
        learned = {job.id: found(results.get(session, job.id)) for job in chosen}
    for (job_id, place), part in sorted(prices.partition_by("job_id", "repeat", as_dict=True).items()):
        line = ageing.of_rows(part, by=by, level=level)
        about = learned[int(job_id)][int(place)]
        head = {"technique": names[int(job_id)], "job_id": job_id, "origin": place, "learned": about.learned}
        days = {"first": part["date"].min(), "last": part["date"].max(), "torn": about.torn}
        rows.append(head | days | line)
    return Report(
        rows, names, [ageing.origins_sentence(rows, name, by) for name in dict.fromkeys(names.values())], level
    )
