"""The Endpoints page: where language models answer, whether they work, what they can do and what they cost."""

import streamlit as st

from dashboard.parts.endpoints import connection, prices
from dashboard.shared import keeping, navigation, reads, widgets, words

widgets.title(
    "Endpoints", "Where language models answer beyond this machine: a provider such as OpenAI, or a server of your own."
)
every = reads.endpoints(archived=True)
if any(endpoint.archived_at for endpoint in every):
    keeping.archived_toggle()
endpoints = {each.name: each for each in every if each.archived_at is None or navigation.shows_archived()}
if not endpoints:
    st.markdown("#### No endpoint yet: add one, test it, and its models are on the Run page.")
    connection.add()
    st.caption(connection.WHY_NOT_THE_KEY)
    st.stop()

added = st.session_state.pop("endpoint-added", None)
if added in endpoints or st.session_state.get("endpoint") not in endpoints:
    st.session_state["endpoint"] = added if added in endpoints else next(iter(endpoints))
name = st.segmented_control("Endpoint", list(endpoints), key="endpoint", required=True)
endpoint = endpoints[str(name)]
st.text(endpoint.base_url)
if endpoint.description:
    st.markdown(words.plain(endpoint.description))
if endpoint.archived_at:
    st.info("Archived: its models are not offered; what asks it already goes on.", icon=":material/archive:")
connection.key_state(endpoint)
connection.test(endpoint)

st.subheader("Models", anchor=False)
if endpoint.models:
    chosen = prices.models(endpoint)
    prices.price(endpoint, chosen)
    prices.end(endpoint, chosen)
    if st.button("Use them on the Run page", icon=":material/play_circle:"):
        navigation.go(navigation.RUN)
else:
    st.info("Its models are not known yet: press Test, which asks for them.", icon=":material/arrow_upward:")

prices.spent(endpoint)
with st.expander("Enter its key"):
    connection.enter_key(endpoint)
with st.expander("Change, archive or remove this endpoint"):
    connection.change(endpoint)
    connection.keep(endpoint)
with st.expander("Add another endpoint"):
    connection.add()
