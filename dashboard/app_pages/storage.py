"""The Storage page: what takes space, and what of it can be freed."""

import streamlit as st

from dashboard.parts.storage import overview
from dashboard.shared import widgets

widgets.title("Storage", "What takes space here, and what of it can be freed.")
overview.kinds()
st.subheader("Free space", anchor=False)
overview.freeing()
st.subheader("Largest datasets", anchor=False)
overview.datasets()
