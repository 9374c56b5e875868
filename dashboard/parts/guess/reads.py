"""The reads of the Guess page."""

import streamlit as st

from worker.guesses import actions
from worker.guesses.actions import Result


@st.cache_data(max_entries=20, show_spinner="Comparing you with every technique …")
def result(game_id: int, version: str, *, weighted: bool) -> Result:
    """What came of a game that is over, weighted by the column of weights or not; version: changes when the jobs do
    that it is set beside."""
    del version
    return actions.result(game_id, weighted=weighted)
