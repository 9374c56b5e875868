"""The way from what the Advisor says to the page that measured it, or that would."""

import streamlit as st

from dashboard.shared import navigation, words
from dashboard.shared.navigation import CHOSEN
from worker.advisor.advice import Link


def show(link: Link, *, icon: str | None = None, key: str = "") -> None:
    """A link that names what it leads to by id; with `key` a button."""
    address = {"dataset": str(st.session_state[CHOSEN])} | dict(link.names)
    page = navigation.path(link.page)
    if not key:
        st.page_link(page, label=words.plain(link.label), icon=icon, query_params=address)
    elif st.button(words.plain(link.label), icon=icon, key=f"advisor-{key}"):
        st.switch_page(page, query_params=address)
