"""The ways of an adapter into production, out of it, back, away, and onto somebody's disk."""

from collections.abc import Callable

import streamlit as st

from dashboard.parts.adapters import table
from dashboard.parts.run import choose
from dashboard.shared import formats, widgets, words
from db.types import Adapter, AdapterState, Verb
from worker.adapters import actions

_SAID = "adapter-said"


def said() -> None:
    """What came of the last move, once."""
    if _SAID in st.session_state:
        st.success(words.plain(st.session_state.pop(_SAID)), icon=":material/check:")


def moves(adapter: Adapter) -> None:
    """Promote, roll back or retire; who and why are kept."""
    objection = actions.gate_objection(adapter)
    in_production = adapter.state is AdapterState.PRODUCTION
    gate(objection)
    # Moved: the next reason is another one. Enter is for the next field: it must not promote or roll back.
    with st.form(f"move-{adapter.id}-{adapter.state}", enter_to_submit=False):
        why = st.text_input(
            "Reason", key=f"why-{adapter.id}-{adapter.state}", placeholder="Kept in the history with your name"
        )
        override = ""
        if objection and not in_production:
            override = st.text_input(
                "Reason to override the gate", key=f"override-{adapter.id}",
                placeholder="Only if it shall go to production although the gate objects",
                help="It is kept in the history, together with what the gate said.",
            )  # fmt: skip
        verbs = _verbs(adapter, override)
        with st.container(horizontal=True):
            pressed = [
                st.form_submit_button(
                    label,
                    icon=icon,
                    type="primary" if place == 0 else "secondary",
                    **widgets.allowed(_VERBS[label], adapter, about=about),
                )
                for place, (label, icon, about, _) in enumerate(verbs)
            ]
    for was_pressed, (*_, verb) in zip(pressed, verbs, strict=True):
        if was_pressed:
            with widgets.tell_errors():
                _do(verb, why)


_VERBS = {"Promote": Verb.PROMOTE_ADAPTER, "Roll back": Verb.PROMOTE_ADAPTER, "Retire": Verb.RETIRE_ADAPTER}
Move = Callable[[str], Adapter]


def _verbs(adapter: Adapter, override: str) -> list[tuple[str, str, str, Move]]:
    """Label, icon, what it does, and what does it with a reason, for the state that the adapter is in."""

    def promote(why: str) -> Adapter:
        return actions.promote(adapter.id, why, override=override)

    def roll_back(why: str) -> Adapter:
        return actions.roll_back(adapter.task, why)

    def retire(why: str) -> Adapter:
        return actions.retire(adapter.id, why)

    task = words.plain(adapter.task)
    promoting = ("Promote", ":material/rocket_launch:", f"To production for {task}; what was there retires.", promote)
    if adapter.state is AdapterState.PRODUCTION:
        back = ("Roll back", ":material/undo:", f"Brings back what was in production for {task} before.", roll_back)
        return [back, ("Retire", ":material/archive:", f"Nothing is in production for {task} then.", retire)]
    if adapter.state is AdapterState.RETIRED:
        return [promoting]
    return [promoting, ("Retire", ":material/archive:", "Gives it up; it can be promoted later all the same.", retire)]


def gate(objection: str | None) -> None:
    """Whether an adapter may go to production."""
    if objection:
        st.warning(words.plain(f"The gate objects to production. {objection}"), icon=":material/gpp_maybe:")
    else:
        st.markdown(":material/verified_user: The gate does not object: nothing measured is surely worse than allowed.")


def measure_again(adapter: Adapter) -> None:
    """Against what is in production by now, and by the gate's present settings."""
    about = "Asks the model without and with this adapter once more, and compares it with what is in production now."
    if st.button(
        "Measure again",
        icon=":material/refresh:",
        key=f"measure-{adapter.id}",
        **widgets.allowed(Verb.START_JOB, about=about),
    ):
        with widgets.tell_errors():
            job_id = actions.measure(adapter.id)
            st.session_state[_SAID] = f"Job {job_id} measures it; watch it on the Jobs page, then come back."
            st.rerun()


def _do(move: Move, why: str) -> None:
    moved = move(why)
    st.session_state[_SAID] = f"{table.short(moved)} is now {table.STATES[moved.state]} for {moved.task}."
    st.query_params[choose.ADAPTER] = moved.id
    st.rerun()


def take_away(adapter: Adapter) -> None:
    """Downloads, and deleting for good."""
    with st.container(horizontal=True):
        if not adapter.uses_endpoint:
            st.download_button(
                "Download (zip)", lambda: actions.download(adapter.id),
                file_name=f"adapter-{adapter.id[:12]}.zip", mime="application/zip", icon=":material/download:",
                on_click="ignore", key=f"download-{adapter.id}", help="The folder as PEFT reads it, with the card.",
            )  # fmt: skip
        st.download_button(
            "Card (Markdown)", lambda: actions.card(adapter.id),
            file_name=f"adapter-{adapter.id[:12]}.md", mime="text/markdown", icon=":material/description:",
            on_click="ignore", key=f"card-{adapter.id}",
        )  # fmt: skip
        question = (
            f"Delete adapter **{adapter.id[:8]}** for {words.plain(adapter.task)} "
            f"({formats.count(adapter.train_rows, 'row')}, made {formats.ago(adapter.created_at)})? "
            "Its weights are gone then; what was priced with it and its history stay."
        )
        may = widgets.allowed(Verb.DELETE_ADAPTER, adapter)
        if widgets.is_sure("Delete", question, key=f"delete-{adapter.id}", may=may):
            with widgets.tell_errors():
                actions.delete(adapter.id)
                st.session_state[_SAID] = f"{table.short(adapter)} is deleted."
                st.query_params.pop(choose.ADAPTER, None)
                st.rerun()
    if adapter.uses_endpoint:
        st.caption("Its weights stay with its endpoint, so there is no folder to download.")
