"""Which adapter does each task rely on, what is known of the others, and who moved which and why?"""

import streamlit as st

from dashboard import adapter_facts, adapter_reads, moving, reads, registry, widgets, words

widgets.title(
    "Adapters",
    "What fine-tunes left behind: small sets of weights that make a language model price like your table.",
)
moving.said()
adapters = reads.adapters()
if not adapters:
    widgets.next_step(
        "There is no adapter yet.",
        widgets.FINETUNE,
        "Train one",
        ":material/model_training:",
        about="A fine-tune teaches a language model your prices. What it learned stands here, for you to put to use.",
    )
    if changes := adapter_reads.history():
        st.subheader("History", anchor=False)
        registry.history(changes)
    st.stop()

registry.tasks(adapters)
registry.table(adapters)

adapter = registry.choose(adapters)
adapter_facts.figures(adapter)
adapter_facts.links(adapter)

st.subheader("Production", anchor=False)
moving.moves(adapter)

forgot, lineage, history, card = st.tabs(["What it forgot", "Where it comes from", "History", "Card"])
with forgot:
    adapter_facts.forgot(adapter)
    moving.measure_again(adapter)
with lineage:
    adapter_facts.lineage(adapter, adapter_reads.priced_with(adapter))
with history:
    st.caption(f"Everything that was moved for {words.plain(adapter.task)}, newest first.")
    registry.history(adapter_reads.history(adapter.task))
with card:
    adapter_facts.card(adapter)
moving.take_away(adapter)
