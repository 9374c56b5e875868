"""What do the pages show? One function per read: the only place with database queries and with a cache.

What still changes (datasets, jobs, progress) is read afresh; what is finished is cached under its id and version.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.adapters import reads
from dashboard.shared import labels as _labels
from dashboard.shared import words
from db import adapters as _adapters
from db import analytics
from db import batches as _batches
from db import completions as _completions
from db import datasets as _datasets
from db import endpoints as _endpoints
from db import job_progress as _progress
from db import jobs as _jobs
from db import predictions as _predictions
from db import rates as _rates
from db import results as _results
from db import workers as _workers
from db.engine import begin
from db.types import Adapter, AdapterState, Batch, Dataset, Endpoint, Job, JobKind, Progress, Split
from worker.evaluation import compare, neighbours_alone, slices
from worker.evaluation.compare import Measure
from worker.evaluation.neighbours_alone import Added
from worker.pricing import comparison as pricing_comparison

Version = str
"""Changes whenever the predictions of a job may have changed."""


def datasets() -> list[Dataset]:
    """Newest first."""
    with begin() as session:
        return _datasets.all(session)


def dataset(dataset_id: int) -> Dataset:
    """As it is now. Raises NotFound."""
    with begin() as session:
        return _datasets.get(session, dataset_id)


def workers() -> pl.DataFrame:
    """name, queues, device, concurrency, last_seen of the workers that are there."""
    with begin() as session:
        return _workers.alive(session)


def pricing_jobs(dataset_id: int | None) -> list[Job]:
    """Newest first; of all datasets when None."""
    with begin() as session:
        return _jobs.all(session, dataset_id, JobKind.PRICE)


def is_pricing(dataset_id: int) -> bool:
    return any(not job.state.is_final for job in pricing_jobs(dataset_id))


def shown_jobs(dataset_id: int | None) -> list[Job]:
    """What the Jobs page lists, newest first: all but work on files and searches, which their own pages show."""
    hidden = (JobKind.INSPECT, JobKind.LOAD, JobKind.SEARCH)
    with begin() as session:
        return [job for job in _jobs.all(session, dataset_id) if job.kind not in hidden]


def progress(job_ids: Sequence[int]) -> dict[int, Progress]:
    with begin() as session:
        return {each.job_id: each for each in _progress.of(session, job_ids)}


def endpoints() -> list[Endpoint]:
    """By name."""
    with begin() as session:
        return _endpoints.all(session)


def adapters() -> list[Adapter]:
    """Newest first; those that nobody gave up come before the others."""
    with begin() as session:
        return sorted(_adapters.all(session), key=lambda adapter: adapter.state is AdapterState.RETIRED)


def tariffs() -> pl.DataFrame:
    """endpoint, model, kind, usd, valid_from of every price that was entered by hand."""
    with begin() as session:
        return _rates.tariffs(session)


def spent() -> pl.DataFrame:
    """calls, tokens_in, tokens_cached, tokens_out, usd (null: partly unknown), in_flight per endpoint and model."""
    with begin() as session:
        return _completions.totals(session)


def batches(job_id: int) -> list[Batch]:
    """What a job handed in to the Batch API."""
    with begin() as session:
        return _batches.of_job(session, job_id)


def mean_error(job_id: int) -> float | None:
    """$ that a job was off, on average; None as long as it is not measured, and where there was nothing to measure."""
    with begin() as session:
        return (_results.get(session, job_id) or {}).get("mae")


def file_job(dataset_id: int, kind: JobKind) -> Progress | None:
    """How far the newest inspection or loading of a dataset is."""
    with begin() as session:
        job = _jobs.latest(session, dataset_id, kind)
        return _progress.of(session, [job.id])[0] if job else None


def version(job: Job) -> Version:
    return f"{job.state} {job.finished_at}"


def names(jobs: Sequence[Job]) -> dict[int, str]:
    """Job id -> what to call it; jobs that would share a name get their number added."""
    forms = reads.forms(jobs)
    return _labels.unique({job.id: words.job_name(job, forms.get(job.id, "")) for job in jobs}, number="job")


def comparable(dataset_id: int) -> list[Job]:
    """Finished jobs that priced test rows, in the order in which techniques are listed: what can be compared."""
    return pricing_comparison.comparable(pricing_jobs(dataset_id))


@st.cache_data(max_entries=50, show_spinner=False)
def rejects(dataset_id: int) -> pl.DataFrame:
    """line, raw, reason of every reject of a loaded dataset."""
    with begin() as session:
        return _datasets.rejects(session, dataset_id)


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


def found(
    snapshot: Path, text: str, statuses: Sequence[str], limit: int, *, flagged: bool = False
) -> tuple[pl.DataFrame, int]:
    """The first predictions in which every word occurs, upper and lower case alike; and how many there are.

    `flagged`: only those whose product text looks like instructions to the model.
    """
    return analytics.search(snapshot, text, statuses, limit, flagged=flagged)


def one(snapshot: Path, row: int) -> dict[str, Any] | None:
    """The prediction for one item."""
    frame = pl.scan_parquet(snapshot).filter(pl.col("row") == row).collect()
    return frame.row(0, named=True) if len(frame) else None


@st.cache_data(max_entries=20, show_spinner="Measuring what the model adds …")
def added(snapshot: Path) -> Added | None:
    """What the model of a finished job that retrieves added to its neighbours; None where there is nothing to say."""
    columns = ["truth", "price", "status", "evidence"]
    return neighbours_alone.added(pl.read_parquet(snapshot, columns=columns))


@st.cache_data(max_entries=20, show_spinner="Putting the two side by side …")
def pair(first: tuple[int, Version], second: tuple[int, Version]) -> pl.DataFrame:
    """row, title, category, truth, price_a, price_b, error_a, error_b (absolute $), nearer ("a", "b", "" = alike) and
    by ($ that the nearer one is nearer) of the rows both jobs have a line for; largest difference first.

    A row that only one of them answered has no `by`: the one that answered is nearer. Such rows stand last.
    """
    frame = measured(dict([first, second]))
    answered = pl.when(pl.col("status") == "ok").then(pl.col("price"))
    a, b = (
        frame.filter(pl.col("job_id") == job_id).select(
            "row", "title", "category", "truth", answered.alias(f"price_{name}")
        )
        for name, (job_id, _) in (("a", first), ("b", second))
    )
    off_a, off_b = ((pl.col(f"price_{name}") - pl.col("truth")).abs() for name in "ab")
    gap = (pl.col("error_a") - pl.col("error_b")).round(6)
    nearer = (
        pl.when((gap < 0) | (pl.col("error_a").is_not_null() & pl.col("error_b").is_null()))
        .then(pl.lit("a"))
        .when((gap > 0) | (pl.col("error_b").is_not_null() & pl.col("error_a").is_null()))
        .then(pl.lit("b"))
        .otherwise(pl.lit(""))
    )
    return (
        a.join(b.select("row", "price_b"), on="row", how="inner")
        .with_columns(error_a=off_a, error_b=off_b)
        .with_columns(nearer=nearer, by=gap.abs())
        .sort("by", "row", descending=[True, False], nulls_last=True)
    )


@st.cache_data(max_entries=8, show_spinner="Reading the predictions …")
def measured(versions: dict[int, Version]) -> pl.DataFrame:
    """Long frame of the jobs' predictions for rows whose true price is known."""
    with begin() as session:
        frame = _predictions.of_jobs(session, list(versions))
    return frame.filter(pl.col("truth").is_not_null())


@st.cache_data(max_entries=50, show_spinner="Measuring the techniques and how sure that is …")
def comparison(versions: dict[int, Version], by: Measure) -> pl.DataFrame:
    """worker.evaluation.compare.table of the jobs, judged by one error; adds label, family, fixed_usd (null:
    unknown) and fixed_seconds."""
    with begin() as session:
        jobs = [_jobs.get(session, job_id) for job_id in versions]
    labels = names(jobs)
    about = pl.DataFrame(
        {
            "job_id": [job.id for job in jobs],
            "label": [labels[job.id] for job in jobs],
            "family": [words.family(job.technique) for job in jobs],
            "fixed_usd": [None if usd is None else float(usd) for usd in reads.fixed_usd(jobs)],
            "fixed_seconds": [job.fixed_seconds for job in jobs],
        },
        schema_overrides={"job_id": pl.Int64, "label": pl.String, "family": pl.String, "fixed_usd": pl.Float64},
    )
    return compare.table(measured(versions), by=by).join(about, on="job_id", how="left", maintain_order="left")


@st.cache_data(max_entries=50, show_spinner=False)
def price_cautions(job_ids: tuple[int, ...]) -> list[str]:
    """Sentences about prices that these jobs' techniques can't say, on the tables that they price."""
    return pricing_comparison.cautions(job_ids)


@st.cache_data(max_entries=50, show_spinner="Measuring each slice …")
def by_category(versions: dict[int, Version], by: Measure) -> pl.DataFrame:
    return slices.by_category(measured(versions), by=by)


@st.cache_data(max_entries=50, show_spinner="Measuring each slice …")
def by_band(versions: dict[int, Version], by: Measure) -> pl.DataFrame:
    return slices.by_band(measured(versions), by=by)
