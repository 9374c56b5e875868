"""Reads of the Trade-offs page: figures by slice, choices within limits, and what to beware of."""

import polars as pl
import streamlit as st

from dashboard.shared import reads
from dashboard.shared.reads import Version, measured
from worker.evaluation import choice, slices
from worker.evaluation.choice import Choice, Limits
from worker.pricing import comparison


@st.cache_data(max_entries=50, show_spinner=False)
def price_cautions(job_ids: tuple[int, ...]) -> list[str]:
    """Sentences about prices that these jobs' techniques can't say, on the tables that they price."""
    return comparison.cautions(job_ids)


@st.cache_data(max_entries=50, show_spinner="Measuring each slice …")
def by_category(versions: dict[int, Version], by: str) -> pl.DataFrame:
    return slices.by_category(measured(versions), by=by)


@st.cache_data(max_entries=50, show_spinner="Measuring each slice …")
def by_band(versions: dict[int, Version], by: str) -> pl.DataFrame:
    return slices.by_band(measured(versions), by=by)


@st.cache_data(max_entries=50, show_spinner="Looking for ties …")
def choices(versions: dict[int, Version], by: str, limits: Limits) -> list[Choice]:
    return choice.choices(reads.comparison(versions, by), measured(versions), limits, by=by)
