"""The chart of errors by date: a frame in, a chart out."""

import altair as alt
import polars as pl

from dashboard.parts.tradeoffs.charts import AXES
from dashboard.shared.chart_style import Chart, sized
from worker import amounts
from worker.evaluation.measures import Measure


def by_date(frame: pl.DataFrame, error: Measure, level: float) -> Chart:
    """worker.evaluation.ageing.PERIODS with label and days: a line per technique, with intervals."""
    shown = frame.with_columns(
        middle=pl.mean_horizontal(pl.col("first", "last").cast(pl.Int32)).cast(pl.Int32).cast(pl.Date)
    )
    x = alt.X("middle:T", axis=alt.Axis(title="Date of the test rows", format="%b %Y", tickCount=6))
    y = alt.Y(
        "figure:Q",
        scale=alt.Scale(zero=False),
        axis=alt.Axis(title=f"{error.label}, {amounts.level(level)} interval", format=AXES[error.unit]),
    )
    colour = alt.Color("label:N", legend=alt.Legend(title=None, orient="bottom", columns=1, labelLimit=500))
    tooltip = [
        alt.Tooltip("label:N", title="Technique"),
        alt.Tooltip("days:N", title="Test rows dated"),
        alt.Tooltip("n:Q", title="Test rows", format=","),
        alt.Tooltip("figure:Q", title=error.short, format=AXES[error.unit]),
    ]
    base = alt.Chart(shown).encode(x=x, color=colour)
    bars = base.mark_rule(strokeWidth=3, opacity=0.4).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = (
        alt.Chart(shown)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=70))
        .encode(x=x, y=y, color=colour, tooltip=tooltip)
    )
    return sized(alt.layer(bars, line), height=320)
