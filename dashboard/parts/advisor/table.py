"""The table of ways: a line for each, with what is said in general in small and what was measured here below it."""

import streamlit as st

from dashboard.parts.advisor import links
from dashboard.shared import words
from worker.advisor.advice import COLUMNS, Advice, Fact, Way
from worker.advisor.facts import NOT_RUN


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
    facts = [fact for column in COLUMNS for fact in way.cell(column)]
    absent = next((fact for fact in facts if fact.text == NOT_RUN), None)  # said once, not below every claim
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"#### {way.name}", width="content")
            st.caption(words.md(words.plain(way.about)), width="stretch")
            if absent:
                links.show(absent.link, icon=":material/play_arrow:", key=f"way-{way.family}")
        for place, (column, head) in zip(st.columns([1, 1, 1], gap="medium"), COLUMNS.items(), strict=True):
            with place, st.container(gap="small"):
                st.caption(head.upper())
                for fact in way.cell(column):
                    _fact(fact, is_told=fact.text == NOT_RUN)


def _fact(fact: Fact, *, is_told: bool = False) -> None:
    """is_told: that it was not measured is said elsewhere."""
    claim = words.plain(fact.claim)
    if is_told:
        st.markdown(f":gray[{claim}]")
        return
    said = words.md(words.plain(fact.text))
    with st.container(horizontal=True, gap="small", vertical_alignment="top"):
        st.markdown(f"**{claim}**  \n{said}" if fact.is_measured else f"**{claim}**  \n:gray[{said}]", width="stretch")
        links.show(fact.link, icon=None if fact.is_measured else ":material/play_arrow:")
