"""The Notifications page: who is told that a job is done and the like, and whether that works."""

import streamlit as st

from dashboard.parts.notifications import overview
from dashboard.shared import widgets

widgets.title("Notifications", "Who is told when a job is done, a cap is reached or a promise breaks.")
overview.channels()
st.subheader("What happened", anchor=False)
overview.told()
