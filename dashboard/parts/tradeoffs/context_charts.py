"""Charts of error and cost against the length of the prompt: frames in, charts out."""

from typing import Any

import altair as alt
import polars as pl

from dashboard.parts.results.charts import TRUTH
from dashboard.shared.chart_style import ACCENT, DOLLARS, GREY, Chart, sized
from worker import amounts
from worker.evaluation import compare


def context_error(lines: pl.DataFrame, what: str) -> Chart:
    """Error with its interval against prompt tokens, k beside each point; a ring marks where more no longer pays.

    `lines` is worker.evaluation.context_curve.curve; `what`: "examples" or "neighbours".
    """
    shown = lines.drop_nulls(["prompt_tokens", "mae"]).with_columns(name=pl.col("k").cast(pl.String))
    x, tooltip = _tokens_read(shown), _curve_tooltip(lines, what)
    base = alt.Chart(shown)
    reach = [value for name in ("mae", "mae_low", "mae_high") for value in shown[name]]
    dollars = amounts.axis_format(reach)
    axis = alt.Axis(
        title=f"Mean error, {amounts.level(compare.level_of(lines))} interval",
        format=dollars,
        tickCount=6,
        minExtent=60,
    )
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
