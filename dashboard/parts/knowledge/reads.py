"""Reads of the Knowledge page, one function per read."""

from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from dashboard.shared import reads
from db import jobs as _jobs
from db import results as _results
from db.engine import begin
from db.knowledge import bases as _knowledge
from db.types import Dataset, Freshness, Job, JobKind, JobState, KnowledgeBase
from worker.evaluation import freshness
from worker.knowledge import actions
from worker.knowledge.actions import IndexEstimate
from worker.pricing import comparison


@dataclass(frozen=True)
class Overview:
    """The figures of a base."""

    base: KnowledgeBase
    fresh: Freshness
    train_searchable: int
    train_items: int
    bytes: int
    sources: dict[str, int]  # train, file, reference -> items


def overview(dataset_id: int) -> Overview | None:
    """None while the dataset has no base."""
    with begin() as session:
        base = _knowledge.of(session, dataset_id)
        if base is None:
            return None
        searchable, there = _knowledge.coverage(session, base)
        return Overview(
            base,
            _knowledge.freshness(session, base.id),
            searchable,
            there,
            _knowledge.size_bytes(session, base.id),
            _knowledge.sources(session, base.id),
        )


def estimate(dataset_id: int) -> IndexEstimate:
    return actions.estimate(dataset_id)


def index_jobs(dataset_id: int) -> list[Job]:
    """Newest first."""
    with begin() as session:
        return _jobs.all(session, dataset_id, JobKind.INDEX)


def working(dataset_id: int) -> Job | None:
    """The index job that is under way."""
    return next((job for job in index_jobs(dataset_id) if not job.state.is_final), None)


def outcomes(jobs: list[Job]) -> list[tuple[Job, dict[str, Any]]]:
    """Jobs with what came of them; those that have no result yet are left out."""
    with begin() as session:
        found = [(job, _results.get(session, job.id)) for job in jobs]
    return [(job, result) for job, result in found if result]


def answer(job_id: int) -> tuple[JobState, str | None, list[dict[str, Any]]]:
    """State and error of a search, and what it found."""
    with begin() as session:
        job = _jobs.get(session, job_id)
        return job.state, job.error, (_results.get(session, job_id) or {}).get("found", [])


def categories(dataset: Dataset) -> list[str]:
    """The largest ones."""
    return [each["name"] for each in dataset.profile.get("categories", {}).get("top", []) if each["name"]]


@st.cache_data(max_entries=50, show_spinner="Comparing old and new neighbours …")
def by_age(job_id: int, version: reads.Version) -> pl.DataFrame:
    """worker.evaluation.freshness.by_age of a finished job; empty when its answers rest on no neighbours."""
    return freshness.by_age(pl.read_parquet(reads.predictions(job_id, version)), level=comparison.level())
