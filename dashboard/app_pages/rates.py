"""The Rates page: what an hour of a machine and a million tokens cost, since when, and where that is changed."""

import streamlit as st

from dashboard.parts.rates import machines, tokens
from dashboard.shared import widgets

widgets.title(
    "Rates", "What costs are reckoned with. A change holds from then on; what was priced before keeps the rate it had."
)
st.subheader("Machines", anchor=False)
machines.now()
machines.history()
st.subheader("Tokens", anchor=False)
tokens.entered()
