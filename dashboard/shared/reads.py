"""Reads that several pages share: with the reads.py of each page the only places with database queries and a cache.

What still changes (datasets, jobs, progress) is read afresh; what is finished is cached under its id and version.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboard.shared import labels as _labels
from dashboard.shared import navigation, words
from db import adapters as _adapters
from db import analytics
from db import comparisons as _comparisons
from db import datasets as _datasets
from db import endpoints as _endpoints
from db import job_progress as _progress
from db import jobs as _jobs
from db import workers as _workers
from db.engine import begin
from db.job_progress import JobProgress
from db.types import Adapter, AdapterState, Dataset, Endpoint, Job, JobKind, Split
from worker.adapters import pricing
from worker.evaluation.measures import USUAL
from worker.jobs.kinds import KINDS
from worker.pricing import comparison as pricing_comparison
from worker.pricing import comparison_jobs, kept, known_prices, repeats

Version = str
"""Changes whenever the predictions of a job may have changed."""

BY_TEXT: dict[str | type[Any], Callable[[Any], Any]] = {dict: repr, tuple: repr}
"""How arguments of what is cached are told apart where they hold a value for each of many jobs: value by value, as
Streamlit does it, took half of the time of a page with 200 of them."""


def datasets(*, archived: bool = False) -> list[Dataset]:
    """Newest first; archived ones only if asked for, here or by who looks at the page."""
    with begin() as session:
        every = _datasets.all(session)
    return [each for each in every if archived or each.archived_at is None or navigation.shows_archived()]


def workers() -> pl.DataFrame:
    """name, queues, device, concurrency, last_seen of the workers that are there."""
    with begin() as session:
        return _workers.alive(session)


def pricing_jobs(dataset_id: int | None) -> list[Job]:
    """Newest first; of all datasets when None. Archived ones only where who looks at the page asked for them."""
    with begin() as session:
        return _offered(_jobs.all(session, dataset_id, JobKind.PRICE))


def jobs_of(dataset_id: int, kind: JobKind) -> list[Job]:
    """Those of one kind, newest first. Archived ones only where who looks at the page asked for them."""
    with begin() as session:
        return _offered(_jobs.all(session, dataset_id, kind))


def _offered(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if job.archived_at is None or navigation.shows_archived()]


def is_pricing(dataset_id: int) -> bool:
    with begin() as session:
        return _jobs.is_at_work(session, dataset_id, JobKind.PRICE)


def shown_jobs(dataset_id: int | None) -> list[Job]:
    """The jobs of the Jobs page, newest first: all but work on files and searches, which their own pages show."""
    with begin() as session:
        return [job for job in _offered(_jobs.all(session, dataset_id)) if KINDS[job.kind].is_shown]


def progress(job_ids: Sequence[int]) -> dict[int, JobProgress]:
    with begin() as session:
        return {each.job_id: each for each in _progress.of(session, job_ids)}


def endpoints(*, archived: bool = False) -> list[Endpoint]:
    """All endpoints, by name; archived ones only if asked for."""
    with begin() as session:
        return [each for each in _endpoints.all(session) if archived or each.archived_at is None]


def adapters() -> list[Adapter]:
    """All adapters, newest first; those that nobody gave up come before the others."""
    with begin() as session:
        return sorted(_adapters.all(session), key=lambda adapter: adapter.state is AdapterState.RETIRED)


def file_job(dataset_id: int, kind: JobKind) -> JobProgress | None:
    """How far the newest inspection or loading of a dataset is."""
    with begin() as session:
        job = _jobs.latest(session, dataset_id, kind)
        return _progress.of(session, [job.id])[0] if job else None


def version(job: Job) -> Version:
    return f"{job.state} {job.finished_at}"


def forms(jobs: Sequence[Job]) -> dict[int, str]:
    """Job id -> what the adapter that it prices with learned to say; without those whose adapter was deleted."""
    used = {job.id: str(job.spec["adapter"]) for job in jobs if job.spec.get("adapter")}
    if not used:
        return {}
    with begin() as session:
        said = {adapter.id: adapter.form for adapter in _adapters.all(session)}
    return {job_id: said[adapter_id] for job_id, adapter_id in used.items() if adapter_id in said}


def fixed_usd(jobs: Sequence[Job]) -> list[Decimal | None]:
    """`worker.adapters.pricing.fixed_usd` of the jobs."""
    with begin() as session:
        return pricing.fixed_usd(session, jobs)


def names(jobs: Sequence[Job]) -> dict[int, str]:
    """Job id -> what to call it; jobs that would share a name get their number added."""
    said = forms(jobs)
    return _labels.unique({job.id: words.job_name(job, said.get(job.id, "")) for job in jobs}, number="job")


def comparable(dataset_id: int) -> list[Job]:
    """Finished jobs that priced test rows, in the order in which techniques are listed: what can be compared."""
    return pricing_comparison.comparable(pricing_jobs(dataset_id))


@st.cache_data(max_entries=50, show_spinner=False)
def first_items(dataset_id: int, split: Split | None, limit: int) -> pl.DataFrame:
    """row, title, description, category, brand, price of the first items of a loaded dataset."""
    with begin() as session:
        return _datasets.items(session, dataset_id, split, limit)


def predictions(job_id: int, version: Version) -> Path:
    """A Parquet file with every prediction of a job beside its item, with `error` = price - truth where both are known.

    A file and not a frame: a million predictions would otherwise lie in memory once per visitor.
    """
    with begin() as session:
        return analytics.snapshot(session, job_id, re.sub(r"\W+", "-", version))


# A resource and not data, which is copied at each use: nobody changes a frame in place. It is of one job, or of few
# enough predictions to be compared at once.
@st.cache_resource(max_entries=24, show_spinner="Reading the predictions …", hash_funcs=BY_TEXT)
def measured(versions: dict[int, Version], *, weighted: bool = False) -> pl.DataFrame:
    """Long frame of the jobs' predictions for rows whose true price is known; with their weights where comparisons of
    it shall be weighted."""
    with begin() as session:
        return known_prices.of_jobs(session, list(versions), weighted=weighted).lines


def runs(job_ids: Sequence[int]) -> dict[int, int]:
    """Of jobs that ran one technique more than once: job -> the job under which they stand in a comparison."""
    with begin() as session:
        return repeats.heads(_jobs.some(session, job_ids), _adapters.all(session))


def some_jobs(job_ids: Sequence[int]) -> list[Job]:
    """Those of the jobs that are there, by id."""
    with begin() as session:
        return _jobs.some(session, job_ids)


def is_made(key: str) -> bool:
    """Whether a part of a comparison was made, by what it is kept under."""
    with begin() as session:
        return bool(_comparisons.known(session, [key]))


def compared(
    versions: dict[int, Version], part: kept.Part, by: str = USUAL, *, merges: bool = True, weighted: bool = False
) -> pl.DataFrame:
    """A part of the comparison of the jobs: as a worker or somebody else made it, or made now. Raises BeingMade, where
    a worker makes it."""
    made = kept.Comparison(
        list(versions), lambda: measured(versions, weighted=weighted), merges=merges, weighted=weighted
    )
    comparison_jobs.demand(made, (part, by))
    return made.part(part, by)


@st.cache_data(max_entries=50, show_spinner="Measuring the techniques and how sure that is …", hash_funcs=BY_TEXT)
def comparison(versions: dict[int, Version], by: str, *, merges: bool = True, weighted: bool = False) -> pl.DataFrame:
    """worker.evaluation.compare.table of the jobs, judged by one error; adds label, family, fixed_usd (null:
    unknown), fixed_seconds and frontier_odds. merges: runs of one technique are one line; weighted: by the weights of
    rows."""
    jobs = some_jobs(list(versions))
    labels = names(jobs)
    about = pl.DataFrame(
        {
            "job_id": [job.id for job in jobs],
            "label": [labels[job.id] for job in jobs],
            "family": [words.family(job.technique) for job in jobs],
            "fixed_usd": [None if usd is None else float(usd) for usd in fixed_usd(jobs)],
            "fixed_seconds": [job.fixed_seconds for job in jobs],
        },
        schema_overrides={"job_id": pl.Int64, "label": pl.String, "family": pl.String, "fixed_usd": pl.Float64},
    )
    return (
        compared(versions, "table", by, merges=merges, weighted=weighted)
        .join(about, on="job_id", how="left", maintain_order="left")
        .with_columns(
            label=pl.when(pl.col("repeats") > 1).then(pl.format("{} ({} runs)", "label", "repeats")).otherwise("label")
        )
    )
