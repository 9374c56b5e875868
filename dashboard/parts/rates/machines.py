"""What an hour of each kind of machine is reckoned at."""

import polars as pl
import streamlit as st

from dashboard.parts.rates import reads as rates_reads
from dashboard.shared import formats, widgets, words
from db.rates import CPU_HOUR, GPU_HOUR
from db.settings import settings

LABELS = {CPU_HOUR: "An hour on a processor", GPU_HOUR: "An hour on a graphics card"}
VARIABLES = {CPU_HOUR: "PRICEWRIGHT_CPU_USD_PER_HOUR", GPU_HOUR: "PRICEWRIGHT_GPU_USD_PER_HOUR"}


def now() -> None:
    """The rates that the next job starts with, and where they are set."""
    usd = {CPU_HOUR: settings().cpu_usd_per_hour, GPU_HOUR: settings().gpu_usd_per_hour}
    for place, (name, label) in zip(st.columns(len(LABELS)), LABELS.items(), strict=True):
        place.metric(label, formats.usd(usd[name]), help=f"The next job starts with it. {VARIABLES[name]}", border=True)
    st.caption(
        "A job costs the seconds that it works times the hour of its machine. Whoever runs Pricewright sets both in "
        f"the environment, as {words.plain(formats.listed(list(VARIABLES.values())))}; they hold after a restart."
    )


def history() -> None:
    """Every rate that a job was started with, newest first."""
    frame = rates_reads.machines()
    if frame.is_empty():
        return
    shown = frame.select(
        pl.col("name").replace_strict(LABELS, default=pl.col("name")).alias("What"),
        pl.col("usd").alias("usd"),
        pl.col("valid_from").alias("since"),
    )
    columns = {
        "usd": widgets.dollars("$ an hour", frame["usd"]),
        "since": st.column_config.DatetimeColumn("Since (UTC)", format="YYYY-MM-DD HH:mm"),
    }
    st.caption("What jobs were reckoned with so far, newest first:")
    widgets.table(shown, column_config=columns, width="content")
