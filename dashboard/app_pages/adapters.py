"""The Adapters page: which one each task relies on, what is known of the others, and who moved which and why."""

import streamlit as st

from dashboard.parts.adapters import facts, production, table
from dashboard.parts.adapters import reads as adapter_reads
from dashboard.shared import navigation, reads, widgets, words

widgets.title(
    "Adapters",
    "What fine-tunes left behind: small sets of weights that make a language model price like your table.",
)
production.said()
adapters = reads.adapters()
if not adapters:
    navigation.next_step(
        "There is no adapter yet.",
        navigation.FINETUNE,
        "Train one",
        ":material/model_training:",
        about="A fine-tune teaches a language model your prices. What it learned stands here, for you to put to use.",
    )
    if changes := adapter_reads.history():
        st.subheader("History", anchor=False)
        table.history(changes)
    st.stop()

table.tasks(adapters)
table.table(adapters)

adapter = table.choose(adapters)
facts.figures(adapter)
facts.links(adapter)

st.subheader("Production", anchor=False)
production.moves(adapter)

forgot, lineage, history, card = st.tabs(["What it forgot", "Where it comes from", "History", "Card"])
with forgot:
    facts.forgot(adapter)
    production.measure_again(adapter)
with lineage:
    facts.lineage(adapter, adapter_reads.priced_with(adapter))
with history:
    st.caption(f"Everything that was moved for {words.plain(adapter.task)}, newest first.")
    table.history(adapter_reads.history(adapter.task))
with card:
    facts.card(adapter)
production.take_away(adapter)
