"""Who looks at the pages: what is asked before the first page is drawn, and by every transaction of a session."""

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from dashboard.shared import widgets, words
from db.errors import NotSignedIn
from db.settings import settings
from db.types import Person
from worker.people import identity


def person() -> Person:
    """Who acts in the session that this runs in; also in a callback and in a fragment, which run by themselves.

    Raises NotSignedIn where that is nobody: outside of a session, before the sign-in and after its end.
    """
    if not settings().has_sign_in:
        return identity.system_user()
    if get_script_run_ctx(suppress_warning=True) is None:
        raise NotSignedIn("Nobody is signed in here.")
    return identity.of_claims(st.user.to_dict())


def is_asked() -> bool:
    """Whether people sign in, and so may be more than one."""
    return settings().has_sign_in


def ask() -> None:
    """The page for whoever is not signed in, or was not let in."""
    with st.columns([1, 1.4, 1])[1], st.container(border=True):
        st.title("Pricewright", anchor=False)
        try:
            person()
        except NotSignedIn as error:
            if st.user.get("is_logged_in"):
                st.warning(words.plain(str(error)), icon=":material/lock:")
                if st.button("Sign in as somebody else", icon=":material/logout:", type="primary"):
                    st.logout()
                return
        st.markdown(
            "Which technique prices your products best for the money? Sign in to see the tables, prices and decisions "
            "that are yours or shared with you."
        )
        if st.button("Sign in", icon=":material/login:", type="primary", width="stretch"):
            st.login()
        st.caption("You are taken to your organisation's own sign-in, and brought back from there.")


def account() -> None:
    """The page about whoever is signed in: as whom, what that lets her do, and the way out."""
    widgets.title("Account", "As whom you are signed in, and what that lets you do.")
    who = person()
    is_what, may = words.ROLES[who.role]
    with st.container(border=True):
        st.markdown(f"#### {words.plain(who.name)}")
        st.markdown(f"You are **{is_what}**: {may}")
        if who.groups:
            st.markdown(f"Your groups: {words.plain(', '.join(sorted(who.groups)))}.")
        st.caption("Your name, your groups and your role come from your organisation's sign-in and from an admin here.")
        if st.button("Sign out", icon=":material/logout:"):
            st.logout()
