"""The Pricers page: what is in use, what it promises, and new files priced with it."""

import streamlit as st

from dashboard.parts.pricers import moves, new_file, table
from dashboard.parts.pricers import reads as pricer_reads
from dashboard.shared import navigation, sharing, widgets

widgets.title("Pricers", "A technique that you chose, kept under a name: a new file goes in and comes back priced.")
moves.said()
names = pricer_reads.names()
if not names:
    navigation.next_step(
        "Nothing is in use yet.",
        navigation.TRADEOFFS,
        "Choose a technique",
        ":material/balance:",
        about="Compare techniques on a table with prices, then click “Use this” beside the verdict.",
    )
    st.stop()

name = table.choose(names)
versions = names[name]
pricer = pricer_reads.in_use(versions)
table.head(name, pricer)
sharing.control("pricer", name, versions[0].owner, versions[0].shared_with)
if pricer is not None:
    new_file.show(pricer)

st.subheader("Versions", anchor=False)
table.versions(versions)
moves.moves(versions)
with st.expander("History", icon=":material/history:"):
    table.history(name)
