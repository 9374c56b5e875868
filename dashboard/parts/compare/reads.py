"""Reads of the Compare page: two jobs side by side, and one row of each."""

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboard.shared.reads import Version, measured


@st.cache_data(max_entries=20, show_spinner="Putting the two side by side …")
def pair(first: tuple[int, Version], second: tuple[int, Version]) -> pl.DataFrame:
    """row, title, category, truth, price_a, price_b, error_a, error_b (absolute $), nearer ("a", "b", "" = alike) and
    by ($ that the nearer one is nearer) of the rows both jobs have a line for; largest difference first.

    A row that only one of them answered has no `by`: the one that answered is nearer. Such rows stand last.
    """
    frame = measured(dict([first, second]))
    answered = pl.when(pl.col("status") == "ok").then(pl.col("price"))
    a, b = (
        frame.filter(pl.col("job_id") == job_id).select(
            "row", "title", "category", "truth", answered.alias(f"price_{name}")
        )
        for name, (job_id, _) in (("a", first), ("b", second))
    )
    off_a, off_b = ((pl.col(f"price_{name}") - pl.col("truth")).abs() for name in "ab")
    gap = (pl.col("error_a") - pl.col("error_b")).round(6)
    nearer = (
        pl.when((gap < 0) | (pl.col("error_a").is_not_null() & pl.col("error_b").is_null()))
        .then(pl.lit("a"))
        .when((gap > 0) | (pl.col("error_b").is_not_null() & pl.col("error_a").is_null()))
        .then(pl.lit("b"))
        .otherwise(pl.lit(""))
    )
    return (
        a.join(b.select("row", "price_b"), on="row", how="inner")
        .with_columns(error_a=off_a, error_b=off_b)
        .with_columns(nearer=nearer, by=gap.abs())
        .sort("by", "row", descending=[True, False], nulls_last=True)
    )


def one(snapshot: Path, row: int) -> dict[str, Any] | None:
    """The prediction for one item."""
    frame = pl.scan_parquet(snapshot).filter(pl.col("row") == row).collect()
    return frame.row(0, named=True) if len(frame) else None
