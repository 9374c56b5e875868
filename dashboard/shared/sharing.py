"""The control that says who sees a thing, and lets its owner change that."""

import streamlit as st

from dashboard.shared import sign_in, words
from db import visibility
from worker.people import actions

_MINE, _SOME, _ALL = "Only you", "These people or groups", "Everybody"


def control(kind: actions.Kind, its_id: int | str, owner: str, shared_with: tuple[str, ...]) -> None:
    """Who sees a dataset, a prompt or a pricer; nothing where nobody signs in."""
    if not sign_in.is_asked():
        return
    # What was saved closes the window: another key is another window.
    key = f"sharing-{kind}-{its_id}-{hash((owner, shared_with))}"
    with st.popover("Who sees it", icon=_icon(owner, shared_with), key=key):
        if not owner or not actions.may_share(owner):
            st.markdown(words.plain(_told(kind, owner, shared_with)))
            return
        _form(kind, its_id, owner, shared_with)


def _icon(owner: str, shared_with: tuple[str, ...]) -> str:
    if not owner or visibility.EVERYBODY in shared_with:
        return ":material/public:"
    return ":material/group:" if shared_with else ":material/lock:"


def _told(kind: str, owner: str, shared_with: tuple[str, ...]) -> str:
    if not owner:
        return f"Everybody sees this {kind}: it was made before people signed in."
    whom = "everybody" if visibility.EVERYBODY in shared_with else "you, among others"
    return f"This {kind} belongs to {owner}, who shares it with {whom}."


def _form(kind: actions.Kind, its_id: int | str, owner: str, shared_with: tuple[str, ...]) -> None:
    mine = _MINE if owner == sign_in.person().name else f"Only {owner}"
    before = _ALL if visibility.EVERYBODY in shared_with else _SOME if shared_with else mine
    options = [mine, _SOME, _ALL]
    key = f"sharing-{kind}-{its_id}-{owner}"
    choice = st.radio(
        f"Who sees this {kind}", options, options.index(before), format_func=words.plain, key=f"{key}-choice"
    )
    named = ""
    if choice == _SOME:
        named = st.text_input(
            "Names, with commas between",
            actions.said_of(shared_with),
            placeholder="anna@example.com, group:buyers",
            help="As your organisation's sign-in calls them; a group with group: before its name.",
            key=f"{key}-names",
        )
    if kind == "dataset":
        st.caption("Its jobs, prices, knowledge base and exports are seen by the same people. Admins see all.")
    else:
        st.caption("All of its versions are seen by the same people. Admins see all.")
    if st.button("Save", icon=":material/save:", type="primary", key=f"{key}-save"):
        with_whom = {mine: [], _SOME: actions.names_of(named), _ALL: [visibility.EVERYBODY]}[choice]
        if choice == _SOME and not with_whom:
            st.error("Name a person or a group.", icon=":material/error:")
            return
        actions.share(kind, its_id, with_whom)
        st.rerun()
