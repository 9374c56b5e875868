"""The chart of a game: how far everybody was off on the same rows."""

import altair as alt
import polars as pl

from dashboard.shared.chart_style import GREY, Chart, sized
from worker import amounts

YOU = "#c9682a"


def errors(frame: pl.DataFrame, column: str = "") -> Chart:
    """frame: label, is_you, mae, mae_low, mae_high ($, ends null where there are too few rows); the nearest on top;
    column: what they are weighted by, "" = nothing."""
    order = frame.sort("mae")["label"].to_list()
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=320))
    colour = alt.condition("datum.is_you", alt.value(YOU), alt.value(GREY))
    base = alt.Chart(frame)
    title = f"Mean error{amounts.unit()}" + (f", weighted by {column}" if column else "")
    x = alt.X("mae:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(format="$,.0f", tickCount=10))
    tooltip = [alt.Tooltip("label:N", title="Who"), alt.Tooltip("mae:Q", title="Mean error", format="$,.2f")]
    bars = base.transform_filter("isValid(datum.mae_low)").mark_rule(strokeWidth=3, opacity=0.5)
    layers = [
        bars.encode(x=alt.X("mae_low:Q", title=title), x2="mae_high:Q", y=y, color=colour),
        base.mark_point(filled=True, size=110, opacity=1).encode(x=x, y=y, color=colour, tooltip=tooltip),
    ]
    return sized(alt.layer(*layers), height=60 + 34 * len(frame))
