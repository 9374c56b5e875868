"""The chart of errors against the rows learned from: frames in, a chart out."""

from typing import Any

import altair as alt
import polars as pl

from dashboard.shared.chart_style import FAMILY_COLOURS, GREY, Chart, sized
from db.types import Family
from worker import amounts
from worker.specs.data_need import WAYS

LOOKS = {
    "finetuned": (FAMILY_COLOURS[Family.FINETUNE], "triangle-up"),
    "rag": (FAMILY_COLOURS[Family.RAG], "diamond"),
    "neighbours": ("#a07a14", "square"),  # baselines both, so the colour of their family would not tell them apart
    "ridge": (FAMILY_COLOURS[Family.BASELINE], "circle"),
}
"""Way -> colour and shape."""

HEIGHT = 380


def errors(points: pl.DataFrame, curves: pl.DataFrame | None = None, there: int | None = None) -> Chart:
    """Mean error against rows on log axes: what was measured (reads.points), the largest part hollow;
    with the fitted lines and their 80 % bands (reads.curves), and a rule at the rows that there are."""
    present = [way for way, label in WAYS.items() if label in points["label"].to_list()]
    labels = [WAYS[way] for way in present]
    legend = alt.Legend(title=None, orient="top", symbolSize=110, symbolOpacity=1)
    colour = alt.Color(
        "label:N",
        scale=alt.Scale(domain=labels, range=[LOOKS[way][0] for way in present]),
        legend=legend,
    )
    shape = alt.Shape(
        "label:N",
        scale=alt.Scale(domain=labels, range=[LOOKS[way][1] for way in present]),
        legend=legend,
    )
    x, y = _axes(points, curves)
    layers: list[Any] = []
    if curves is not None:
        drawn = alt.Chart(curves)
        layers.append(drawn.mark_area(opacity=0.14).encode(x=x, y=_y("low:Q", y), y2="high:Q", color=colour))
        layers.append(drawn.mark_line(strokeWidth=2).encode(x=x, y=_y("error:Q", y), color=colour))
    if there is not None:
        today = alt.Chart(pl.DataFrame({"rows": [there], "text": ["your data"]}))
        layers.append(today.mark_rule(strokeDash=[4, 4], color=GREY).encode(x=x))
        name = today.mark_text(align="left", dx=5, baseline="top", color=GREY)
        layers.append(name.encode(x=x, y=alt.value(4), text="text:N"))
    tooltip = [
        alt.Tooltip("label:N", title="Way"),
        alt.Tooltip("rows:Q", title="Rows learned from", format=","),
        alt.Tooltip("error:Q", title="Mean error", format=amounts.chart_format(points["error"])),
    ]
    for is_held_out in (False, True):
        part = alt.Chart(points.filter(pl.col("is_held_out") == is_held_out))
        mark = part.mark_point(filled=not is_held_out, size=150 if is_held_out else 90, opacity=1, strokeWidth=2.5)
        layers.append(mark.encode(x=x, y=_y("error:Q", y), color=colour, shape=shape, tooltip=tooltip))
    return sized(alt.layer(*layers), height=HEIGHT)


def _axes(points: pl.DataFrame, curves: pl.DataFrame | None) -> tuple[alt.X, alt.Scale]:
    """Rows doubling from tick to tick; errors as far as there are any, bands included, but never out of proportion."""
    least, most = float(points["rows"].min()), float(points["rows"].max())  # type: ignore[arg-type]
    low, high = float(points["error"].min()), float(points["error"].max())  # type: ignore[arg-type]
    if curves is not None:
        most = float(curves["rows"].max())  # type: ignore[arg-type]
        low = max(low / 3, min(low, float(curves["low"].min())))  # type: ignore[arg-type]
        high = min(high * 2, max(high, float(curves["high"].max())))  # type: ignore[arg-type]
    ticks = [least * 2**power for power in range(20) if least * 2**power <= most * 1.01]
    scale = alt.Scale(type="log", domain=[least / 1.15, max(most, least * 2) * 1.15], nice=False)
    axis = alt.Axis(title="Rows learned from (log scale)", values=ticks, format=",.0f", grid=False)
    return alt.X("rows:Q", scale=scale, axis=axis), alt.Scale(
        type="log", domain=[low / 1.06, high * 1.06], nice=False, clamp=True
    )


def _y(field: str, scale: alt.Scale) -> alt.Y:
    dollars = amounts.axis_format(scale["domain"], ticks=None)
    axis = alt.Axis(title="Mean error (log scale), lower is better", format=dollars, tickCount=6)
    return alt.Y(field, scale=scale, axis=axis)
