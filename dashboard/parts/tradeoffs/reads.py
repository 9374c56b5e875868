"""Reads of the Trade-offs page: figures and coverage by slice, choices within limits, and what to beware of."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.report import facts
from dashboard.shared import reads
from dashboard.shared.reads import Version, compared, measured
from db.types import Dataset
from worker.evaluation import choice, hand_over
from worker.evaluation.choice import Choice, Limits
from worker.pricing import ageing, comparison, kept, lists
from worker.pricing.kept import Part
from worker.pricing.lists import Lists
from worker.refits import actions as refits


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=reads.BY_TEXT)
def price_cautions(job_ids: tuple[int, ...]) -> list[str]:
    """Sentences about prices that these jobs' techniques can't say, on the tables that they price."""
    return comparison.cautions(job_ids)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=reads.BY_TEXT)
def promises(job_ids: tuple[int, ...]) -> list[str]:
    """Sentences about what those of these jobs that learned from another dataset were promised, and did not break."""
    return comparison.promises(job_ids)


@st.cache_data(max_entries=50, show_spinner="Comparing every pair …", hash_funcs=reads.BY_TEXT)
def every_pair(versions: dict[int, Version], by: str, weighted: bool) -> pl.DataFrame:
    return compared(versions, "every pair", by, weighted=weighted)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=reads.BY_TEXT)
def combinations(versions: dict[int, Version]) -> dict[int, dict[str, Any]]:
    """Job id -> what validation rows say of its members, for those of the jobs that are made of others."""
    return comparison.combinations(list(versions))


@st.cache_data(max_entries=50, show_spinner="Measuring each slice …", hash_funcs=reads.BY_TEXT)
def by_category(versions: dict[int, Version], by: str, weighted: bool) -> pl.DataFrame:
    return compared(versions, "by category", by, weighted=weighted)


@st.cache_data(max_entries=50, show_spinner="Measuring each slice …", hash_funcs=reads.BY_TEXT)
def by_band(versions: dict[int, Version], by: str, weighted: bool) -> pl.DataFrame:
    return compared(versions, "by band", by, weighted=weighted)


def is_dated(dataset: Dataset) -> bool:
    """Whether a column of the dataset holds dates."""
    return bool(ageing.column(dataset))


@st.cache_data(max_entries=50, show_spinner="Measuring each period …", hash_funcs=reads.BY_TEXT)
def by_date(versions: dict[int, Version], by: str, weighted: bool) -> ageing.Told:
    """Errors of the jobs by the date of the test rows, judged by a measure."""
    return ageing.of_jobs(list(versions), by, weighted=weighted)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=reads.BY_TEXT)
def cross_fits(versions: dict[int, Version]) -> refits.Report:
    """What cross-fits say of their techniques."""
    return refits.cross_fitted(reads.some_jobs(list(versions)))


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=reads.BY_TEXT)
def origins(versions: dict[int, Version]) -> refits.Report:
    """Errors from each rolling origin."""
    return refits.by_origin(reads.some_jobs(list(versions)))


@st.cache_data(max_entries=50, show_spinner="Counting what intervals hold …", hash_funcs=reads.BY_TEXT)
def coverage_of(versions: dict[int, Version], segment: str) -> pl.DataFrame:
    """worker.evaluation.coverage.COLUMNS of the jobs: of all rows, or by a segment."""
    ways: dict[str, Part] = {"By predicted price": "coverage by band", "By category": "coverage by category"}
    return compared(versions, ways.get(segment, "coverage"))


@st.cache_data(max_entries=100, show_spinner=False, hash_funcs=reads.BY_TEXT)
def first_wish(job_id: int, version: Version, within: float) -> int | None:
    """`worker.pricing.lists.first_wish` of a job."""
    del version
    return lists.first_wish(job_id, within)


@st.cache_data(max_entries=30, show_spinner="Dividing the rows …", hash_funcs=reads.BY_TEXT)
def divided(versions: dict[int, Version], job_id: int, wish: float, within: float) -> Lists | None:
    """`worker.pricing.lists.of_job` of the rows of a job that are compared."""
    return lists.of_job(job_id, wish, within, _rows(versions, job_id))


@st.cache_data(max_entries=100, show_spinner="Measuring the surest rows …", hash_funcs=reads.BY_TEXT)
def hit_curve(versions: dict[int, Version], job_id: int, within: float) -> pl.DataFrame:
    """worker.evaluation.hand_over.CURVE of the rows of a job that are compared; no lines where nothing is known."""
    known = lists.certainty_of(job_id, within)
    if known is None:
        return pl.DataFrame(schema=hand_over.CURVE)
    return hand_over.curve(lists.with_support(job_id, _rows(versions, job_id)), known, level=comparison.level())


def _rows(versions: dict[int, Version], job_id: int) -> pl.DataFrame:
    return measured({job_id: versions[job_id]})  # of this one alone, as it is for what else asks for it


@st.cache_data(max_entries=50, show_spinner="Looking for ties …", hash_funcs=reads.BY_TEXT)
def choices(versions: dict[int, Version], by: str, limits: Limits, weighted: bool) -> list[Choice]:
    if not limits.questions():
        return []
    table = reads.comparison(versions, by, weighted=weighted)
    gaps = {
        question: compared(versions, kept.APART[question], by, weighted=weighted) for question in limits.questions()
    }
    return choice.choices(table, gaps.__getitem__, limits, by=by)


@st.cache_data(max_entries=50, show_spinner=False, hash_funcs=reads.BY_TEXT)
def demand_report(every: dict[int, Version], chosen: tuple[int, ...], by: str, limits: Limits, weighted: bool) -> None:
    """`dashboard.parts.report.facts.demand` of the chosen jobs; every: of all comparable jobs of the dataset."""
    del every
    facts.demand(chosen, by, limits, weighted=weighted)
