"""What to try next: the first step large, with the way to it; the others in a list."""

import streamlit as st

from dashboard.parts.advisor import links
from dashboard.shared import formats, words
from worker.advisor.advice import Advice, NextStep

AT_ONCE = 3  # steps below the first that are shown without asking


def show(advised: Advice) -> None:
    """The steps in their order; says so where nothing is left."""
    st.subheader("What to try next", anchor=False)
    if not advised.steps:
        st.success("Everything that is usually tried was run. More test rows or more prices would be next.")
        return
    first, *rest = advised.steps
    with st.container(border=True):
        _step(first, 0, is_first=True)
    for place, step in enumerate(rest[:AT_ONCE], 1):
        _step(step, place)
    if more := rest[AT_ONCE:]:
        with st.expander(f"{formats.count(len(more), 'more step')}"):
            for place, step in enumerate(more, 1 + AT_ONCE):
                _step(step, place)
    st.caption(
        "Costs are what the Run page would say. A gain is only foretold where something of yours was measured that it "
        "follows from; steps without one are ordered by what finding out costs."
    )


def _step(step: NextStep, place: int, *, is_first: bool = False) -> None:
    left, right = st.columns([4, 1.2], vertical_alignment="center")
    name, sentence = words.plain(step.text), f"{step.cost}; {step.expected}."
    with left, st.container(gap="small"):
        st.markdown(words.md(f"#### {name}" if is_first else f"**{name}**"))
        st.markdown(words.md(f"{sentence[0].upper()}{sentence[1:]}"))
        st.caption(words.md(words.plain(step.ground)))
    with right:
        links.show(step.link, icon=":material/play_arrow:", key=f"step-{place}")
