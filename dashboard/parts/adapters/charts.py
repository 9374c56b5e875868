"""The chart of what an adapter forgot: a frame in, a chart out."""

import altair as alt
import polars as pl

from dashboard.shared.chart_style import ACCENT, GREY, Chart, sized

FELL = "#c24a6e"
COLOURS = {"kept": ACCENT, "fell": FELL, "too few": GREY}
"""Verdict -> colour. Parts that were not measured have nothing to draw."""

MOST = 1.0
"""Worse by more than this (1.0 = doubled) ends at the edge, so that a model gone wild hides no other part."""

FRAME, ROW = 120, 40
"""Pixels of legend and axis together, and of each part."""


def worsening(findings: pl.DataFrame) -> Chart:
    """Each part's change with the reach of its doubt, and a rule at what is allowed.

    findings: name, change, low, high, limit, verdict, said (the change in words); right = worse.
    """
    limit = float(findings["limit"].max())  # type: ignore[arg-type]
    low = max(-MOST, min(0.0, float(findings["low"].min())))  # type: ignore[arg-type]
    high = min(MOST, max(float(findings["high"].max()), limit))  # type: ignore[arg-type]
    room = 0.08 * (high - low)
    scale = alt.Scale(domain=[low - room, high + room], clamp=True, nice=False)
    axis = alt.Axis(title="better  ←  change by the training  →  worse", format="+.0%", tickCount=7)
    x = alt.X("change:Q", scale=scale, axis=axis)
    y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    colour = alt.Color(
        "verdict:N",
        scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
        legend=alt.Legend(title=None, orient="top"),
    )
    tooltip = [
        alt.Tooltip("name:N", title="Part"),
        alt.Tooltip("said:N", title="Change"),
        alt.Tooltip("verdict:N", title="Verdict"),
    ]
    base = alt.Chart(findings).encode(y=y, color=colour, tooltip=tooltip)
    reach = base.mark_rule(strokeWidth=3, opacity=0.6).encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q")
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(x=x)
    allowed = alt.Chart(pl.DataFrame({"limit": [limit], "text": ["allowed"]}))
    rule = allowed.mark_rule(color=FELL, strokeDash=[5, 4]).encode(x=alt.X("limit:Q", scale=scale, axis=axis))
    name = allowed.mark_text(color=FELL, align="left", dx=4, baseline="top").encode(
        x=alt.X("limit:Q", scale=scale, axis=axis), y=alt.value(2), text="text:N"
    )
    nothing = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=GREY).encode(x=alt.X("zero:Q", scale=scale))
    return sized(alt.layer(nothing, rule, name, reach, dots), height=FRAME + ROW * len(findings))
