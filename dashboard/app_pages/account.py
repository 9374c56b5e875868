"""The Account page: as whom somebody is signed in, what that lets her do, and the way out."""

import streamlit as st

from dashboard.shared import sign_in, widgets, words

widgets.title("Account", "As whom you are signed in, and what that lets you do.")
who = sign_in.person()
with st.container(border=True):
    st.markdown(f"#### {words.plain(who.name)}")
    st.markdown(f"You are **{words.ROLES[who.role][0]}**: {words.ROLES[who.role][1]}")
    if who.groups:
        st.markdown(f"Your groups: {words.plain(', '.join(sorted(who.groups)))}.")
    if sign_in.is_asked():
        st.caption("Your name, your groups and your role come from your organisation's sign-in and from an admin here.")
        if st.button("Sign out", icon=":material/logout:"):
            st.logout()
    else:
        st.caption("Nobody signs in here: whoever reaches these pages is the user who started them.")
