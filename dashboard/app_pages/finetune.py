"""The Fine-tune page: what to train, what it takes, how it goes, and what came of it."""

import streamlit as st

from dashboard.parts.finetune import form, history, progress
from dashboard.parts.finetune import reads as finetune_reads
from dashboard.shared import navigation, reads, widgets
from db.types import Split
from worker.specs.finetune import FEWEST_ROWS

dataset = widgets.ready(
    widgets.header(
        "Fine-tune",
        "Teach a language model your prices: it trains on the train side, and you watch how wrong it is on rows it "
        "does not learn from.",
    )
)
if dataset is None:
    st.stop()
if min(dataset.splits.get(side, 0) for side in (Split.TRAIN, Split.VALIDATION)) < FEWEST_ROWS:
    navigation.next_step(
        f"{dataset.name} has too few rows with a price to learn from.",
        navigation.DATA,
        "Choose or upload another table",
        ":material/upload_file:",
        about=f"Fine-tuning needs at least {FEWEST_ROWS} priced rows on the train and on the validation side.",
    )
    st.stop()

trainings = finetune_reads.trainings(dataset.id)
if history.wants_new(trainings):
    endpoints = reads.endpoints()
    st.subheader("1 · What to train", anchor=False)
    name = form.task(dataset)
    spec = form.settings(dataset, endpoints)
    form.notices(spec, endpoints)
    st.subheader("2 · What it takes", anchor=False)
    told, buttons = st.container(), st.container(horizontal=True, vertical_alignment="bottom")
    with widgets.tell_errors():  # what can't be trained here can still be handed out
        with told:
            form.takes(dataset, spec)
        with buttons:
            started = form.start(dataset, spec, name)
        if started is not None:
            history.open_(started)
    with buttons:
        form.hand_out(dataset, spec)
    widgets.worker_warning()
else:
    progress.show(history.choose(trainings))
    history.table(trainings)
