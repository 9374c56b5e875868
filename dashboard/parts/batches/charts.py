"""The chart of kept and broken promises: how much worse than promised each batch was."""

import altair as alt
import polars as pl

from dashboard.shared.chart_style import GREY, Chart, sized
from worker import amounts
from worker.evaluation.measures import DECIDING, USUAL

ROW_HEIGHT, FEWEST = 26, 120
BROKEN, KEPT = "#c9682a", "#5580b8"


def promises(points: pl.DataFrame) -> Chart:
    """A line per batch (reads.POINTS), the first that came on top; zero is what was promised."""
    measure = DECIDING[USUAL]
    order = points["batch"].to_list()
    y = alt.Y("batch:N", sort=order, axis=alt.Axis(title=None, labelLimit=260, domain=False, ticks=False))
    title = f"{measure.short}: worse than promised{amounts.unit()}"
    form = amounts.chart_format(points["worse_by"])
    colour = alt.Color("broke:N", scale=alt.Scale(domain=[True, False], range=[BROKEN, KEPT]), legend=None)
    tooltip = [
        alt.Tooltip("batch:N", title="Batch"),
        alt.Tooltip("worse_by:Q", title="Worse by", format=form),
        alt.Tooltip("low:Q", title="From", format=form),
        alt.Tooltip("high:Q", title="To", format=form),
    ]
    drawn = alt.Chart(points)
    reach = drawn.mark_rule(strokeWidth=2).encode(
        y=y, x=alt.X("low:Q", axis=alt.Axis(title=title, grid=True)), x2="high:Q", color=colour, tooltip=tooltip
    )
    point = drawn.mark_point(filled=True, size=70).encode(y=y, x="worse_by:Q", color=colour, tooltip=tooltip)
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=GREY, strokeDash=[4, 4])
    return sized(alt.layer(zero.encode(x="zero:Q"), reach, point), height=max(FEWEST, ROW_HEIGHT * len(points)))
