"""The read of the Advisor page."""

import streamlit as st

from dashboard.shared import reads
from db import acting, guesses, jobs
from db.engine import begin
from db.types import Dataset
from worker.advisor import actions
from worker.advisor.advice import Advice

SECONDS = 60.0
"""How long advice is kept although nothing was run: the age of a knowledge base grows with every minute."""


def advice(dataset: Dataset) -> Advice:
    """worker.advisor.actions.advice, made anew whenever a job, an adapter or a game changed. Raises BeingMade, where a
    worker first compares the runs."""
    with begin() as session:
        work = [f"{job.id} {job.state} {job.finished_at}" for job in jobs.all(session, dataset.id)]
        games = [f"{game.id} {game.ended_at}" for game in guesses.all(session, dataset.id)]
    adapters = [f"{adapter.id} {adapter.state}" for adapter in reads.adapters()]
    who = acting.person()  # advice rests on other datasets, too, of which not everybody sees the same
    return _advice(dataset.id, " ".join([who.name if who else "", *work, *games, *adapters]))


@st.cache_data(max_entries=20, ttl=SECONDS, show_spinner="Reading what was measured …")
def _advice(dataset_id: int, version: str) -> Advice:
    """version: changes whenever what the advice rests on may have changed."""
    del version
    with begin() as session:
        actions.demand(session, dataset_id)
        return actions.advice(session, dataset_id)
