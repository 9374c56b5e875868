"""How do I teach a language model my prices, what will it take, how does it go, and what came of it?"""

import streamlit as st

from dashboard import learning, past, reads, training_reads, tuning, widgets
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
    widgets.next_step(
        f"{dataset.name} has too few rows with a price to learn from.",
        widgets.DATA,
        "Choose or upload another table",
        ":material/upload_file:",
        about=f"Fine-tuning needs at least {FEWEST_ROWS} priced rows on the train and on the validation side.",
    )
    st.stop()

trainings = training_reads.trainings(dataset.id)
if past.wants_new(trainings):
    endpoints = reads.endpoints()
    st.subheader("1 · What to train", anchor=False)
    name = tuning.task(dataset)
    spec = tuning.settings(dataset, endpoints)
    tuning.notices(spec, endpoints)
    st.subheader("2 · What it takes", anchor=False)
    told, buttons = st.container(), st.container(horizontal=True, vertical_alignment="bottom")
    with widgets.told():  # what can't be trained here can still be handed out
        with told:
            tuning.takes(dataset, spec)
        with buttons:
            started = tuning.start(dataset, spec, name)
        if started is not None:
            past.open_(started)
    with buttons:
        tuning.hand_out(dataset, spec)
    widgets.worker_warning()
else:
    learning.show(past.choose(trainings))
    past.table(trainings)
