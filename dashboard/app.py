"""The picture frame: page settings and navigation; nothing else."""

import streamlit as st

from dashboard import widgets

st.set_page_config(page_title="Pricewright", page_icon=":material/sell:", layout="wide")
page = st.navigation(
    [
        st.Page(widgets.DATA, title="Data", icon=":material/table:", default=True),
        st.Page(widgets.RUN, title="Run", icon=":material/play_circle:"),
        st.Page(widgets.JOBS, title="Jobs", icon=":material/progress_activity:"),
        st.Page(widgets.TRADEOFFS, title="Trade-offs", icon=":material/balance:"),
        st.Page(widgets.RESULTS, title="Results", icon=":material/sell:"),
    ],
    position="top",
)
with widgets.told():
    page.run()
