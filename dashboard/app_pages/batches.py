"""The Batches page: what pricers priced, month by month, and what came of their promises."""

import streamlit as st

from dashboard.parts.batches import one, overview
from dashboard.shared import widgets
from worker.batches import actions

widgets.title("Batches", "The files that pricers priced, from a watched folder or by hand, and their real prices.")
every = actions.every()
if not every:
    one.nothing()
    st.stop()

overview.alarms(every)
overview.by_month(every)
overview.table(every)
one.show(overview.choose(every))
