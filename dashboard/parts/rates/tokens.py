"""What tokens of models behind endpoints cost, where somebody entered it."""

import polars as pl
import streamlit as st

from dashboard.parts.rates import reads as rates_reads
from dashboard.shared import navigation, widgets

KINDS = {
    "input": "In", "cached": "In, cached", "output": "Out", "batch_input": "In, as a batch",
    "batch_output": "Out, as a batch", "training": "Trained on",
}  # fmt: skip


def entered() -> None:
    """Every price of tokens that was entered by hand, newest first, and the way to enter one."""
    frame = rates_reads.tokens()
    if frame.is_empty():
        st.markdown("No price of tokens was entered by hand; where an endpoint has a price list, that holds.")
    else:
        columns = {
            "endpoint": "Endpoint",
            "model": "Model",
            "kind": "Tokens",
            "usd": widgets.dollars("$ per million", frame["usd"]),
            "valid_from": st.column_config.DatetimeColumn("Since (UTC)", format="YYYY-MM-DD HH:mm"),
        }
        shown = frame.with_columns(pl.col("kind").replace_strict(KINDS, default=pl.col("kind")))
        widgets.table(shown, column_config=columns, width="content")
        st.caption("The newest entry of a model holds over price lists; models without one go by their price list.")
    if st.button("Enter a price at its endpoint", icon=":material/cloud:"):
        navigation.go(navigation.ENDPOINTS)
