"""Charts of one answer, and the colours of two runs side by side: values in, charts out."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from dashboard.shared.chart_style import ACCENT, FAMILY_COLOURS, GREY, Chart, sized
from db.types import Family
from worker import amounts

TRUTH = "#c9682a"
FIRST, SECOND, EVEN = FAMILY_COLOURS[Family.BASELINE], FAMILY_COLOURS[Family.PROMPT], GREY


def distribution(
    quantiles: Mapping[str, float], likeliest: Mapping[str, float], price: float | None, truth: float | None
) -> Chart | None:
    """The prices a model thought of: likeliest ones as bars, 5-95 % as a thin line, 25-75 % as a thick one.

    `quantiles`: {"0.05": $, ...}, `likeliest`: {dollars: share}; None when both are empty. Marks: the price that was
    read, and the true one where it is known.
    """
    if not quantiles and not likeliest:
        return None
    marks = [(price, "Price read", ACCENT), (truth, "True price", TRUTH)]
    known = [(value, name, colour) for value, name, colour in marks if value is not None and value > 0]
    shown = [*map(float, likeliest), *quantiles.values(), *(value for value, _, _ in known)]
    low, high = max(amounts.SMALLEST, min(shown) * 0.8), max(shown) * 1.25
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    dollars, ticks = amounts.chart_format(shown), amounts.axis_format(shown, ticks=None)
    x = alt.X("price:Q", scale=scale, axis=alt.Axis(title="Price (log scale)", format=ticks, tickCount=6, grid=False))
    top = max(likeliest.values(), default=0.0) or 1.0
    axis = alt.Axis(title="Share", format="~%", values=[0, top / 2, top]) if likeliest else None
    y = alt.Y("share:Q", scale=alt.Scale(domain=[-0.2 * top, top * 1.1], nice=False), axis=axis)
    layers: list[alt.Chart] = []
    if likeliest:
        lines = {"price": [float(key) for key in likeliest], "share": [float(value) for value in likeliest.values()]}
        tooltip = [alt.Tooltip("price:Q", title="Price", format=dollars), alt.Tooltip("share:Q", format=".1%")]
        bars = alt.Chart(pl.DataFrame(lines)).mark_bar(color=GREY, size=7, cornerRadiusEnd=2)
        layers.append(bars.encode(x=x, y=y, y2=alt.datum(0), tooltip=tooltip))
    for from_, to, width in (("0.05", "0.95", 2), ("0.25", "0.75", 7)):
        if from_ in quantiles and to in quantiles:
            reach = {"price": [float(quantiles[from_])], "end": [float(quantiles[to])], "share": [-0.1 * top]}
            rule = alt.Chart(pl.DataFrame(reach)).mark_rule(strokeWidth=width, color=GREY, strokeCap="round")
            layers.append(rule.encode(x=x, x2="end:Q", y=y))
    if known:
        names = [name for _, name, _ in known]
        colour = alt.Color(
            "name:N",
            scale=alt.Scale(domain=names, range=[colour for _, _, colour in known]),
            legend=alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3),
        )
        at = pl.DataFrame({"price": [float(value) for value, _, _ in known], "name": names})
        tip = [alt.Tooltip("name:N", title="Mark"), alt.Tooltip("price:Q", title="Price", format=dollars)]
        layers.append(alt.Chart(at).mark_rule(strokeWidth=2.5).encode(x=x, color=colour, tooltip=tip))
    return sized(alt.layer(*layers), height=230)
