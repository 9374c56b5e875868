"""The chart of the error against the age of the neighbours: a frame in, a chart out."""

import altair as alt
import polars as pl

from dashboard.shared.chart_style import ACCENT, Chart
from worker import amounts


def by_age(table: pl.DataFrame) -> Chart:
    """worker.evaluation.freshness.by_age as points with their intervals, the youngest neighbours on the left."""
    x = alt.X(
        "band:N",
        sort=table["band"].to_list(),
        title="Median age of the neighbours' prices",
        axis=alt.Axis(labelAngle=0),
    )
    tooltip = [
        alt.Tooltip("band:N", title="Age"),
        alt.Tooltip("mae:Q", title="Mean error", format=amounts.chart_format(table["mae"])),
        alt.Tooltip("median_ape:Q", title="Median error", format=".0%"),
        alt.Tooltip("n:Q", title="Predictions", format=","),
    ]
    base = alt.Chart(table.with_columns(label=pl.format("{} rows", "n"))).encode(x=x)
    bars = base.mark_rule(strokeWidth=3, opacity=0.45, color=ACCENT).encode(y="mae_low:Q", y2="mae_high:Q")
    points = base.mark_point(filled=True, size=160, opacity=1, color=ACCENT).encode(
        y=alt.Y("mae:Q", title=f"Mean error{amounts.unit()}, lower is better", scale=alt.Scale(zero=True)),
        tooltip=tooltip,
    )
    texts = base.mark_text(align="left", dx=12, fontSize=12, color=ACCENT).encode(y="mae:Q", text="label:N")
    layered: Chart = alt.layer(bars, points, texts).properties(height=300)
    return layered
