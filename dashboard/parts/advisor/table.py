"""The table of ways: a line for each, with what is said in general in small and what was measured here below it."""

import streamlit as st

from dashboard.parts.advisor import links
from dashboard.shared import words
from worker.advisor.advice import COLUMNS, Advice, Fact, Way


def show(advised: Advice) -> None:
    """Every way, then the person's own guesses, and how to read it."""
    st.subheader("What your runs say of each way", anchor=False)
    st.caption(
        "In bold what is said of a way in general; below it what was measured on this table, with the run it comes "
        "from. Where the two don't agree, believe the measurement."
    )
    for way in advised.ways:
        _way(way)
    if advised.you:
        with st.container(border=True):
            _fact(advised.you)
    for note in advised.notes:
        st.caption(f":material/info: {words.md(words.plain(note))}")


def _way(way: Way) -> None:
    with st.container(border=True):
        st.markdown(f"#### {way.name}")
        st.caption(words.md(words.plain(way.about)))
        for place, (column, head) in zip(st.columns(3, gap="medium"), COLUMNS.items(), strict=True):
            with place:
                st.caption(head.upper())
                for fact in way.cell(column):
                    _fact(fact)


def _fact(fact: Fact) -> None:
    with st.container(gap=None):
        st.markdown(f"**{words.plain(fact.claim)}**")
        said = words.md(words.plain(fact.text))
        st.markdown(said if fact.is_measured else f":gray[{said}]")
        links.show(fact.link, icon=None if fact.is_measured else ":material/play_arrow:")
