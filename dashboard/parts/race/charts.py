"""The chart of a race: how much worse than the one ahead each technique is, as rows come in."""

import altair as alt
import polars as pl

from dashboard.shared.chart_style import GREY, Chart, sized
from worker import amounts
from worker.evaluation.measures import Measure

HEIGHT = 320
COLOURS = ["#5580b8", "#c9682a", "#2a8f83", "#8d5fb5", "#a07a14", "#c24a6e"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
"""Repeat the colours where there are more techniques than these, in another dash."""


def gaps(points: pl.DataFrame, measure: Measure, column: str = "") -> Chart:
    """Lines and bands of reads.gaps over rows; zero is the technique that was ahead at the time. column: what errors
    are weighted by, "" = nothing."""
    names = points["technique"].unique(maintain_order=True).to_list()
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(names))]
    dashes = [DASHES[place // len(COLOURS) % len(DASHES)] for place in range(len(names))]
    legend = alt.Legend(
        title=None, orient="top", labelLimit=300, symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1
    )
    colour = alt.Color("technique:N", scale=alt.Scale(domain=names, range=colours), legend=legend)
    dash = alt.StrokeDash("technique:N", scale=alt.Scale(domain=names, range=dashes), legend=None)
    middles = points["gap"]
    span = max(float(middles.max() or 0) - min(0.0, float(middles.min() or 0)), 1e-9)  # type: ignore[arg-type]
    # The first intervals reach as far as the bound; they are cut, so that the lines can be told apart.
    scale = alt.Scale(domain=[-span, 2 * span], clamp=True, nice=False)
    weighed = f" weighted by {column}" if column else ""
    unit = amounts.unit() if measure.unit == "price" else ""
    y_axis = alt.Axis(title=f"{measure.short}{weighed}: worse than the one ahead{unit}")
    x = alt.X(
        "rows:Q", axis=alt.Axis(title="Rows priced by those that are in", grid=False, format=",.0f", tickCount=10)
    )
    drawn = alt.Chart(points)
    band = drawn.mark_area(opacity=0.13).encode(
        x=x, y=alt.Y("low:Q", scale=scale, axis=y_axis), y2="high:Q", color=colour
    )
    tooltip = [
        alt.Tooltip("technique:N", title="Technique"),
        alt.Tooltip("rows:Q", title="Rows", format=","),
        alt.Tooltip("gap:Q", title="Worse by", format=".3~g"),
        alt.Tooltip("low:Q", title="From", format=".3~g"),
        alt.Tooltip("high:Q", title="To", format=".3~g"),
    ]
    line = drawn.mark_line(point=True).encode(
        x=x, y=alt.Y("gap:Q", scale=scale, axis=y_axis), color=colour, strokeDash=dash, tooltip=tooltip
    )
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=GREY, strokeDash=[4, 4])
    return sized(alt.layer(band, line, zero.encode(y=alt.Y("zero:Q", scale=scale, axis=y_axis))), height=HEIGHT)
