"""“Use this”: the button that puts what a verdict chose to use, under a name."""

from collections.abc import Callable

import streamlit as st

from dashboard.shared import navigation, widgets, words
from db.types import PricerState, Verb
from worker.evaluation import certainty
from worker.pricers import actions

_MADE = "pricer-made"


def button(key: str, proposed: str, verdict: Callable[[], int]) -> None:
    """Asks for a name, and makes the pricer of a saved verdict, whose number `verdict` gives when the button is
    pressed."""
    with st.popover("Use this", icon=":material/price_check:", key=f"use-{key}", **widgets.allowed(Verb.MAKE_PRICER)):
        st.markdown("Put this choice to use: every new file can be priced with it, under a name.")
        with st.form(f"use-form-{key}", border=False):
            name = st.text_input("Name", proposed, key=f"use-name-{key}", max_chars=actions.LONGEST_NAME)
            hit_rate, within = _wish(key)
            if st.form_submit_button("Use this", icon=":material/price_check:", type="primary"):
                with widgets.tell_errors():
                    actions.check(name)
                    made = actions.make(name, verdict_id=verdict(), hit_rate=hit_rate, within=within)
                    st.session_state[_MADE] = made.id
                    st.rerun()


def _wish(key: str) -> tuple[float | None, float | None]:
    """The certainty that is wished, if any: rows that do not reach it go to a person."""
    with st.expander("Rows for a person"):
        st.caption(
            "Rows without a price, and rows unlike what was learned from, go to a person. With a share here those of "
            "which it is least sure go too, so that this share of the other prices hits."
        )
        left, right = st.columns(2)
        share = left.number_input(
            "Hits, in %", min_value=1, max_value=99, value=None, placeholder="no wish", key=f"use-hits-{key}"
        )
        within = right.selectbox(
            "Off by at most", certainty.TOLERANCES, certainty.TOLERANCES.index(certainty.USUAL_TOLERANCE),
            format_func="{:.0%}".format, key=f"use-within-{key}",
        )  # fmt: skip
    return (None, None) if share is None else (share / 100, within)


def made() -> None:
    """What came of the last click, once, and the way to the Pricers page."""
    number = st.session_state.pop(_MADE, None)
    if number is None:
        return
    pricer = actions.get(number)
    said = f"{pricer.name}, version {pricer.version}, is in use."
    if pricer.state is not PricerState.IN_USE:
        said = f"{pricer.name} has a version {pricer.version}, which waits until somebody puts it in use."
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check: {words.plain(said)}", width="content")
        st.page_link(
            navigation.PRICERS, label="Open Pricers", icon=":material/arrow_forward:",
            query_params={"pricer": str(pricer.id)},
        )  # fmt: skip
