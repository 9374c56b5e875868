"""What a table with few priced rows needs on the Run page: cross-fitting in place of one split."""

from collections.abc import Sequence

import streamlit as st

from dashboard.shared import formats, navigation, widgets, words
from db.types import Dataset, Verb
from worker.evaluation import cross_fit
from worker.refits import actions
from worker.specs import BaseSpec


def offer(dataset: Dataset, planned: Sequence[BaseSpec]) -> None:
    """Says what one split of a small table is worth, and starts cross-fits; nothing for a table that is not small."""
    if not actions.is_small(dataset):
        return
    st.warning(words.plain(actions.advice(dataset)), icon=":material/data_array:")
    if cross_fit.too_few(actions.priced_rows(dataset)):
        return
    able = [spec for spec in planned if not actions.refusal(spec)]
    for spec in planned:
        if why := actions.refusal(spec):
            st.caption(words.plain(f"{spec.label} can't be cross-fitted: {why}."))
    label = f"Cross-fit {formats.count(len(able), 'technique')}"
    if able and st.button(
        label, icon=":material/dataset:", key=f"cross-fit-{dataset.id}", **widgets.allowed(Verb.START_JOB)
    ):
        actions.cross_fit_with(dataset.id, able)
        navigation.go(navigation.JOBS)
