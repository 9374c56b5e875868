"""Who is told what happens, a test whether it arrives, and what was told."""

import polars as pl
import streamlit as st

from dashboard.shared import formats, widgets, words
from db.types import Verb
from worker.notifications import actions

_SETTINGS = ["PRICEWRIGHT_NOTIFY_WEBHOOKS", "PRICEWRIGHT_NOTIFY_SMTP"]


def channels() -> None:
    """Who is told, and the button that tries it."""
    ways = actions.ways()
    if not ways:
        st.markdown(
            "Nobody is told anything yet. Whoever runs Pricewright says in the environment who is, as "
            f"{words.plain(formats.listed(_SETTINGS))}."
        )
        return
    st.markdown(f"Told are: {words.plain(formats.listed(ways))}.")
    if st.button("Send a test", icon=":material/send:", key="notify-test", **widgets.allowed(Verb.TEST_NOTIFICATIONS)):
        tested = actions.send_test()
        if tested.told:
            st.success(f"{words.plain(formats.listed(tested.told))} took it.", icon=":material/check:")
        for sentence in tested.wrong:
            st.error(words.plain(sentence), icon=":material/error:")


def told() -> None:
    """What happened lately, and whether people were told."""
    found = actions.latest()
    if not found:
        st.markdown("Nothing happened yet that people are told of.")
        return
    widgets.table(
        pl.DataFrame(
            {
                "At (UTC)": [f"{event['at']:%Y-%m-%d %H:%M}" for event in found],
                "What": [event["sentence"] for event in found],
                "Told": [
                    ", ".join(event["taken_by"]) or ("waits" if event["closed_at"] is None else "nobody")
                    for event in found
                ],
                "What went wrong": [event["error"] or "" for event in found],
            }
        )
    )
