"""What takes space, by kind and by dataset, and the buttons that free it."""

import polars as pl
import streamlit as st

from dashboard.shared import formats, widgets, words
from db.types import Verb
from worker import amounts
from worker.storage import actions
from worker.storage.actions import HARMLESS, Freeable

USUAL_DAYS = 30


def kinds() -> None:
    """A table of what takes space."""
    spaces = actions.usage()
    st.metric("In all", amounts.size(sum(space.bytes for space in spaces)))
    widgets.table(
        pl.DataFrame(
            {
                "What": [actions.LABELS[space.kind] for space in spaces],
                "Takes": [amounts.size(space.bytes) for space in spaces],
            }
        ),
        width="content",
    )


def freeing() -> None:
    """Choose a kind and an age, read what goes, and free it."""
    kind = (
        st.selectbox("Free", list(Freeable), format_func=lambda each: each.capitalize(), key="free-kind")
        or Freeable.SNAPSHOTS
    )
    days = 0
    if kind not in HARMLESS:
        days = int(st.number_input("Older than, in days", min_value=0, value=USUAL_DAYS, step=1, key="free-days"))
    st.caption(actions.ABOUT[kind])
    if st.button("Free it", icon=":material/delete_sweep:", key="free", **widgets.allowed(Verb.FREE_SPACE)):
        freed = actions.free(kind, days)
        if freed.count:
            st.success(f"{formats.count(freed.count, 'thing')} gone, {amounts.size(freed.bytes)} of files.")
        else:
            st.info("There was nothing to free.")


def datasets() -> None:
    """The largest datasets."""
    found = actions.largest()
    if not found:
        st.markdown("There is no dataset.")
        return
    widgets.table(
        pl.DataFrame(
            {
                "Dataset": [each.id for each, _ in found],
                "Name": [each.name for each, _ in found],
                "Rows": [each.items for each, _ in found],
                "Predictions": [each.predictions for each, _ in found],
                "File": [amounts.size(size) for _, size in found],
                "Archived": [each.is_archived for each, _ in found],
            }
        ),
        width="content",
    )
    st.caption(words.plain("Archive what nobody needs on the Data page; here it is freed once it is old enough."))
