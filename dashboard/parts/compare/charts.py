"""The chart of two runs on the same rows: a frame in, a chart out."""

from typing import Any

import altair as alt
import polars as pl

from dashboard.parts.results.charts import EVEN, FIRST, SECOND
from dashboard.parts.tradeoffs.charts import MOST_POINTS
from dashboard.shared.chart_style import GREY, Chart, sized
from worker import amounts


def two_errors(frame: pl.DataFrame) -> Chart:
    """How far off both are on each row ($, square-root axes); below the line B is nearer.

    `frame`: title, truth, error_a, error_b (absolute $). Above MOST_POINTS rows an even sample is drawn.
    """
    both = frame.drop_nulls(["error_a", "error_b"])
    step = -(-len(both) // MOST_POINTS) if len(both) else 1
    first, second = "A", "B"
    nearer = (
        pl.when(pl.col("error_a") < pl.col("error_b"))
        .then(pl.lit(first))
        .when(pl.col("error_b") < pl.col("error_a"))
        .then(pl.lit(second))
        .otherwise(pl.lit("Both alike"))
    )
    shown = both.gather_every(step).select("title", "truth", "error_a", "error_b", nearer=nearer)
    errors = [*both["error_a"], *both["error_b"]]
    high = (max(errors, default=0.0) or 1.0) * 1.05
    scale = alt.Scale(type="sqrt", domain=[0, high], nice=False)
    axis: dict[str, Any] = {"format": amounts.axis_format([0.0, high]), "tickCount": 6}
    x = alt.X("error_a:Q", scale=scale, axis=alt.Axis(title=f"{first} is off by", **axis))
    y = alt.Y("error_b:Q", scale=scale, axis=alt.Axis(title=f"{second} is off by", **axis))
    colour = alt.Color(
        "nearer:N",
        scale=alt.Scale(domain=[first, second, "Both alike"], range=[FIRST, SECOND, EVEN]),
        legend=alt.Legend(title="Nearer", orient="top", labelLimit=320, symbolOpacity=1),
    )
    shape = alt.Shape(
        "nearer:N", scale=alt.Scale(domain=[first, second, "Both alike"], range=["circle", "square", "diamond"])
    )
    dollars = amounts.chart_format(shown["truth"])
    tooltip = [
        alt.Tooltip("title:N", title="Product"),
        alt.Tooltip("truth:Q", title="True price", format=dollars),
        alt.Tooltip("error_a:Q", title=first, format=dollars),
        alt.Tooltip("error_b:Q", title=second, format=dollars),
    ]
    ends = pl.DataFrame({"error_a": [0.0, high], "error_b": [0.0, high]})
    line = alt.Chart(ends).mark_line(color=GREY, strokeDash=[5, 4]).encode(x=x, y=y)
    dots = alt.Chart(shown).mark_point(filled=True, size=45, opacity=0.75, clip=True)
    return sized(alt.layer(line, dots.encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip)), height=400)
