"""How do one answer, two runs side by side, and more context become pictures? As charts.py: frames in, charts out."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from dashboard.charts import ACCENT, DOLLARS, FAMILY_COLOURS, GREY, MOST_POINTS, Chart, sized
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


def context_error(lines: pl.DataFrame, what: str) -> Chart:
    """Error with its interval against prompt tokens, k beside each point; a ring marks where more no longer pays.

    `lines` is worker.evaluation.context_curve.curve; `what`: "examples" or "neighbours".
    """
    shown = lines.drop_nulls(["prompt_tokens", "mae"]).with_columns(name=pl.col("k").cast(pl.String))
    x, tooltip = _tokens_read(shown), _curve_tooltip(lines, what)
    base = alt.Chart(shown)
    reach = [value for name in ("mae", "mae_low", "mae_high") for value in shown[name]]
    dollars = amounts.axis_format(reach)
    axis = alt.Axis(title="Mean error, 95 % interval", format=dollars, tickCount=6, minExtent=60)
    y = alt.Y("mae:Q", scale=alt.Scale(zero=False), axis=axis)
    line = base.mark_line(color=ACCENT, strokeWidth=2).encode(x=x, y=y)
    bars = base.mark_rule(color=ACCENT, strokeWidth=3, opacity=0.4).encode(x=x, y="mae_low:Q", y2="mae_high:Q")
    dots = base.mark_point(filled=True, size=90, color=ACCENT, opacity=1).encode(x=x, y=y, tooltip=tooltip)
    label: dict[str, Any] = {"fontSize": 12, "fontWeight": 600}
    names = base.mark_text(dx=9, dy=-12, align="left", color=ACCENT, **label).encode(x=x, y=y, text="name:N")
    enough = alt.Chart(shown.filter("is_enough"))
    ring = enough.mark_point(size=420, color=TRUTH, strokeWidth=2.5, filled=False).encode(x=x, y=y, tooltip=tooltip)
    said = enough.mark_text(dy=26, color=TRUTH, text="enough", **label).encode(x=x, y=y)
    return sized(alt.layer(bars, line, dots, names, ring, said), height=320)


def context_cost(lines: pl.DataFrame, what: str) -> Chart:
    """Cost against prompt tokens, to stand below `context_error`; lines whose cost is unknown are left out."""
    shown = lines.drop_nulls(["prompt_tokens", "usd_per_1000"])
    axis = alt.Axis(title="$ per 1,000 items", labelExpr=DOLLARS, tickCount=4, minExtent=60)
    y = alt.Y("usd_per_1000:Q", scale=alt.Scale(zero=True), axis=axis)
    base = alt.Chart(shown).mark_line(color=GREY, strokeWidth=2, point=alt.OverlayMarkDef(color=GREY, size=70))
    return sized(base.encode(x=_tokens_read(lines), y=y, tooltip=_curve_tooltip(lines, what)), height=210)


def _tokens_read(lines: pl.DataFrame) -> alt.X:
    """The same axis for both halves of a context curve."""
    known = lines["prompt_tokens"].drop_nulls().to_list() or [0.0, 1.0]
    air = 0.06 * (max(known) - min(known) or 1.0)
    scale = alt.Scale(domain=[min(known) - air, max(known) + air], nice=False, zero=False)
    return alt.X(
        "prompt_tokens:Q", scale=scale, axis=alt.Axis(title="Tokens read per item", format=",.0f", tickCount=7)
    )


def _curve_tooltip(lines: pl.DataFrame, what: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("k:Q", title=what.capitalize()),
        alt.Tooltip("prompt_tokens:Q", title="Tokens per item", format=",.0f"),
        alt.Tooltip("mae:Q", title="Mean error", format=amounts.chart_format(lines["mae"])),
        alt.Tooltip("usd_per_1000:Q", title="$ per 1,000 items", format=".4~g"),
    ]
