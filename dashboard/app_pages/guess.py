"""The Guess page: a person prices test rows against the clock, and then sees herself beside every technique."""

import streamlit as st

from dashboard.parts.guess import game, outcome
from dashboard.parts.guess import reads as guess_reads
from dashboard.shared import reads, widgets
from worker.guesses import actions

ABOUT = "Are you nearer than the machine? Price a few products yourself, against the clock."
dataset = widgets.ready(widgets.header("Guess", ABOUT))
if dataset is None:
    st.stop()

games = actions.games(dataset.id)
chosen = game.chosen(games)
if chosen is None:
    game.start(dataset, games)
    st.stop()

stands = actions.standing(chosen.id)
if stands.is_over:
    version = " ".join(f"{job.id} {reads.version(job)}" for job in reads.comparable(dataset.id))
    column = widgets.weights_column(dataset)
    outcome.show(guess_reads.result(chosen.id, version, weighted=bool(column)))
else:
    game.play(stands)
