"""Reads of the What if page: what techniques would cost in a scenario, and their errors."""

import streamlit as st

from dashboard.shared import reads
from dashboard.shared.reads import Version
from worker.evaluation.measures import USUAL
from worker.specs.what_if import Scenario
from worker.what_if import actions
from worker.what_if.actions import Answer


@st.cache_data(max_entries=50, show_spinner=False)
def answer(versions: dict[int, Version], scenario: str) -> Answer:
    """`scenario`: as JSON."""
    return actions.ask(list(versions), Scenario.model_validate_json(scenario))


def errors(versions: dict[int, Version], *, weighted: bool) -> dict[int, float | None]:
    """Job id -> mean error in $ on the test rows that all of them priced, weighted by the column of weights or not."""
    table = reads.comparison(versions, USUAL, merges=False, weighted=weighted)
    return dict(table.select("job_id", USUAL).iter_rows())
