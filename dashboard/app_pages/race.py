"""The Race page: several techniques price the same rows block by block, until it is clear which is best."""

import streamlit as st

from dashboard.parts.race import form, standing
from dashboard.parts.race import reads as race_reads
from dashboard.shared import navigation, pickers, widgets, words
from db.types import Split
from worker.race.actions import FEWEST_GROUPS

dataset = widgets.ready(
    widgets.header(
        "Race",
        "Techniques price the same test rows block by block; one that can no longer win stops, so you pay for no more "
        "than the answer takes.",
    )
)
if dataset is None:
    st.stop()
if dataset.splits.get(Split.TEST, 0) < FEWEST_GROUPS:
    navigation.next_step(
        f"{dataset.name} has too few test rows for a race.",
        navigation.RUN,
        "Price all of them",
        ":material/play_circle:",
        about=f"It takes at least {FEWEST_GROUPS} different test rows.",
    )
    st.stop()

races = race_reads.races(dataset.id)
with st.expander("Race again" if races else "Race them", expanded=not races):
    if started := form.start(dataset):
        st.session_state["race-job"] = started
        st.rerun()
if races:
    known = {race.id: race for race in races}
    address = st.query_params.get("job", "")
    first = int(address) if address.isdecimal() else None
    chosen = races[0].id
    if len(races) > 1:
        names = {race.id: f"Race {race.id} · {words.STATES[race.state][0].lower()}" for race in races}
        chosen = pickers.one("Race", names, first=first, key="race-job")
    standing.show(known[chosen])
widgets.worker_warning()
