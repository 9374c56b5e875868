"""The ways of a version into use, out of it, back and away; its name and its note."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.parts.pricers import table
from dashboard.shared import pickers, widgets, words
from db.types import Pricer, PricerState, Verb
from worker.datasets import dependents
from worker.pricers import actions

_SAID = "pricer-said"


def said() -> None:
    """What came of the last move, once."""
    if _SAID in st.session_state:
        st.success(words.plain(st.session_state.pop(_SAID)), icon=":material/check:")


def moves(versions: Sequence[Pricer]) -> None:
    """Use, roll back or retire a version; who and why are kept."""
    pricer = _chosen(versions)
    former = actions.former(pricer.name) if pricer.state is PricerState.IN_USE else None
    objection = actions.objection(former or pricer)
    if objection:
        st.warning(
            words.plain(f"The gate objects to the adapter of version {(former or pricer).version}. {objection}"),
            icon=":material/gpp_maybe:",
        )
    key = f"{pricer.id}-{pricer.state}"  # moved: the next reason is another one
    # Enter is for the next field: it must not move anything.
    with st.form(f"move-pricer-{key}", enter_to_submit=False):
        why = st.text_input("Reason", key=f"why-pricer-{key}", placeholder="Kept in the history with your name")
        override = ""
        if objection and (former or pricer.state is not PricerState.IN_USE):
            override = st.text_input(
                "Reason to override the gate", key=f"override-pricer-{key}",
                placeholder="Only if it shall be used although the gate objects",
                help="It is kept in the history, together with what the gate said.",
            )  # fmt: skip
        verbs = _verbs(pricer, former, override)
        with st.container(horizontal=True):
            pressed = [
                st.form_submit_button(
                    label,
                    icon=icon,
                    type="primary" if label == "Use it" else "secondary",
                    **widgets.allowed(_VERBS[label], pricer, about=about),
                )
                for label, icon, about, _ in verbs
            ]
    for was_pressed, (*_, verb) in zip(pressed, verbs, strict=True):
        if was_pressed:
            with widgets.tell_errors():
                _do(verb, why)
    _keep(pricer)


def _chosen(versions: Sequence[Pricer]) -> Pricer:
    known = {each.id: each for each in versions}
    names = {each.id: f"Version {each.version}, {table.STATES[each.state]}" for each in versions}
    first = next((each.id for each in versions if each.state is PricerState.CANDIDATE), versions[0].id)
    return known[pickers.one("Version", names, key=f"version-of-{versions[-1].id}", first=first)]


_VERBS = {"Use it": Verb.USE_PRICER, "Roll back": Verb.USE_PRICER, "Retire": Verb.RETIRE_PRICER}
Move = Callable[[str], Pricer]


def _verbs(pricer: Pricer, former: Pricer | None, override: str) -> list[tuple[str, str, str, Move]]:
    """Label, icon, what it does, and what does it with a reason, for the state that the version is in."""

    def use(why: str) -> Pricer:
        return actions.use(pricer.id, why, override=override)

    def roll_back(why: str) -> Pricer:
        return actions.roll_back(pricer.name, why, override=override)

    def retire(why: str) -> Pricer:
        return actions.retire(pricer.id, why)

    using = ("Use it", ":material/check:", "The version that is in use now retires.", use)
    if pricer.state is PricerState.IN_USE:
        retiring = ("Retire", ":material/archive:", "No version is in use then.", retire)
        if former is None:
            return [retiring]
        return [
            ("Roll back", ":material/undo:", f"Version {former.version} is in use again then.", roll_back),
            retiring,
        ]
    if pricer.state is PricerState.RETIRED:
        return [using]
    return [using, ("Retire", ":material/archive:", "Gives it up; it can be used later all the same.", retire)]


def _do(move: Move, why: str) -> None:
    moved = move(why)
    _tell(f"Version {moved.version} of {moved.name} is now {table.STATES[moved.state]}.")


def _tell(sentence: str) -> None:
    st.session_state[_SAID] = sentence
    st.rerun()


def _keep(pricer: Pricer) -> None:
    """Name, note, and deleting for good."""
    with st.container(horizontal=True):
        _name(pricer)
        _delete(pricer)


def _name(pricer: Pricer) -> None:
    with st.popover("Name and note", icon=":material/edit:"), st.form(f"keep-pricer-{pricer.id}", border=False):
        name = st.text_input("Name of all versions", pricer.name, key=f"name-of-pricer-{pricer.id}")
        note = st.text_area("Note on this version", pricer.description, key=f"note-of-pricer-{pricer.id}", height=80)
        if st.form_submit_button("Save", icon=":material/save:", **widgets.allowed(Verb.CHANGE_PRICER, pricer)):
            with widgets.tell_errors():
                actions.rename(pricer.id, name)
                actions.describe(pricer.id, note)
                _tell("It is kept.")


def _delete(pricer: Pricer) -> None:
    told = " ".join(dependents.told(actions.depending(pricer.id)))
    question = f"Delete version {pricer.version} of {words.plain(pricer.name)}? {told} Its history stays."
    may = widgets.allowed(Verb.DELETE_PRICER, pricer)
    if widgets.is_sure("Delete", question, key=f"delete-pricer-{pricer.id}", may=may):
        with widgets.tell_errors():
            actions.delete(pricer.id)
            _tell(f"Version {pricer.version} of {pricer.name} is deleted.")
