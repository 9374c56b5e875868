"""What a reader of Trade-offs compares, and by what: the jobs, the error and its weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import comparison
from dashboard.shared import navigation, reads, widgets, words
from dashboard.shared.reads import Version
from db.types import Dataset, Job
from worker.evaluation.measures import DECIDING, Measure


@dataclass(frozen=True)
class Selection:
    """Jobs of a dataset, judged by a measure."""

    dataset: Dataset
    jobs: Sequence[Job]  # all that can be compared
    labels: dict[int, str]  # of those
    versions: dict[int, Version]  # of those that are
    error: Measure
    column: str  # by whose weights errors are weighted; "" = none

    @property
    def weighted(self) -> bool:
        return bool(self.column)

    @property
    def chosen(self) -> list[Job]:
        return [job for job in self.jobs if job.id in self.versions]

    @cached_property
    def plain_names(self) -> dict[int, str]:
        """The labels in Markdown."""
        return {key: words.plain(name) for key, name in self.labels.items()}

    @cached_property
    def table(self) -> pl.DataFrame:
        """`reads.comparison`."""
        return reads.comparison(self.versions, self.error.key, weighted=self.weighted)


def choose(dataset: Dataset) -> Selection | None:
    """The fields that choose; None, and what to do, where there is nothing to compare."""
    is_pricing = reads.is_pricing(dataset.id)  # read before what it brings, or its end is missed
    jobs = reads.comparable(dataset.id)
    if not jobs:
        page, label = navigation.RUN, "Choose techniques to compare"
        if is_pricing:
            page, label = navigation.JOBS, "Watch the jobs"
        navigation.next_step("No technique has been measured on this dataset yet.", page, label, ":material/balance:")
        return None
    labels = reads.names(jobs)
    left, right = st.columns([1, 2], gap="large", vertical_alignment="bottom")
    with left:
        key = st.selectbox("Error", list(DECIDING), format_func=lambda key: DECIDING[key].label, key="error")
        column = widgets.weights_column(dataset)
    with right:
        versions = comparison.choose(dataset, jobs, labels)
    if not versions:
        st.info("Choose at least one job to look at.", icon=":material/arrow_upward:")
        return None
    return Selection(dataset, jobs, labels, versions, DECIDING[key], column)
