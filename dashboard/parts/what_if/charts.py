"""The chart of total cost against volume: frames in, a chart out."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import polars as pl

from dashboard.shared.chart_style import DOLLARS, GREY, Chart, powers_axis, sized
from worker.evaluation.break_even import Crossing, Totals, rounded

HEIGHT = 430
_STEPS = 60
_REACH = 100.0  # times the chosen volume, to either side
_LABEL = 0.07  # of the width of the chart
# A family has one colour elsewhere; here several of one family cross each other, so each line has its own: a colour
# that can be told from the others, and after those the same with another stroke.
LINES = ["#5580b8", "#c9682a", "#2a8f83", "#8d5fb5", "#a07a14", "#c24a6e"]
STROKES: list[list[int]] = [[1, 0], [7, 3], [2, 2]]
_COUNT = "datum.value >= 1e6 ? format(datum.value / 1e6, ',~r') + ' M' : format(datum.value, ',~r')"


def volumes(items: int) -> list[float]:
    """The numbers of items a month that are drawn, from a hundredth of the chosen one to a hundred times."""
    return [float(each) for each in np.geomspace(max(1.0, items / _REACH), items * _REACH, _STEPS)]


def totals(answer: Totals, names: dict[int, str], items: int) -> Chart:
    """Total cost of each way against items a month, both on log axes, with bands; what crosses within the drawn
    range is marked with its interval, and the chosen volume with a rule."""
    drawn = answer.at(volumes(items)).with_columns(label=pl.col("key").replace_strict(names, return_dtype=pl.String))
    least = float(drawn.filter(pl.col("usd") > 0)["usd"].min() or 1e-6)  # type: ignore[arg-type]
    most = float(drawn["usd"].max() or 1.0)  # type: ignore[arg-type]
    low, high = least / 1.5, max(most, least) * 1.5
    drawn = drawn.with_columns(pl.col("usd", "usd_low", "usd_high").clip(low, high))
    reach = (float(drawn["items"].min()), float(drawn["items"].max()))  # type: ignore[arg-type]
    x = alt.X(
        "items:Q",
        scale=alt.Scale(type="log", domain=list(reach), nice=False),
        axis=powers_axis(*reach, _COUNT, "Items a month (log scale)", grid=False),
    )
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("usd:Q", scale=scale, axis=powers_axis(low, high, DOLLARS, "Total cost (log scale)"))
    order = [names[way.key] for way in answer.ways]
    legend = alt.Legend(
        title=None, orient="top", columns=3, labelLimit=300, symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=3
    )
    colour = alt.Color(
        "label:N",
        scale=alt.Scale(domain=order, range=[LINES[place % len(LINES)] for place in range(len(order))]),
        legend=legend,
    )
    strokes = [STROKES[place // len(LINES) % len(STROKES)] for place in range(len(order))]
    stroke = alt.StrokeDash("label:N", scale=alt.Scale(domain=order, range=strokes), legend=legend)
    base = alt.Chart(drawn)
    tooltip = [
        alt.Tooltip("label:N", title="Technique"),
        alt.Tooltip("items:Q", title="Items a month", format=",.0f"),
        alt.Tooltip("usd:Q", title="In all ($)", format=",.4~g"),
    ]
    bands = base.transform_filter("isValid(datum.usd_low)").mark_area(opacity=0.2)
    lines = base.mark_line(strokeWidth=2.5)
    now = alt.Chart(pl.DataFrame({"items": [float(items)], "text": ["your volume"]}))
    layers = [
        now.mark_rule(strokeDash=[4, 4], color=GREY).encode(x=x),
        now.mark_text(align="left", dx=5, baseline="top", color=GREY).encode(x=x, y=alt.value(4), text="text:N"),
        bands.encode(x=x, y=alt.Y("usd_low:Q", scale=scale), y2="usd_high:Q", color=colour),
        lines.encode(x=x, y=y, color=colour, strokeDash=stroke, tooltip=tooltip),
        *_crossings(answer, names, reach, x, y),
    ]
    return sized(alt.layer(*layers), height=HEIGHT)


def _crossings(
    answer: Totals, names: dict[int, str], reach: tuple[float, float], x: alt.X, y: alt.Y
) -> Sequence[alt.Chart]:
    """A point at each crossing, and its interval as a bar."""
    inside = [each for each in answer.crossings() if reach[0] <= each.items <= reach[1]]
    if not inside:
        return []
    frame = pl.DataFrame([_line(each, names, reach) for each in inside]).with_columns(text=_apart(inside, reach))
    base = alt.Chart(frame)
    tooltip = [alt.Tooltip("sentence:N", title="Crossing")]
    return [
        base.mark_rule(strokeWidth=4, opacity=0.55, color=GREY).encode(x=alt.X("low:Q"), x2="high:Q", y=y),
        base.mark_point(filled=True, size=90, opacity=1, color=GREY).encode(x=x, y=y, tooltip=tooltip),
        base.mark_text(dy=-14, color=GREY, fontWeight=600).encode(x=x, y=y, text="text:N"),
    ]


def _apart(inside: Sequence[Crossing], reach: tuple[float, float]) -> pl.Series:
    """The number at each crossing, by rising volume; none where it would lie on the one before."""
    room = (reach[1] / reach[0]) ** _LABEL
    last, texts = 0.0, []
    for each in inside:
        is_apart = each.items > last * room
        texts.append(rounded(each.items) if is_apart else "")
        last = each.items if is_apart else last
    return pl.Series(texts, dtype=pl.String)


def _line(crossing: Crossing, names: dict[int, str], reach: tuple[float, float]) -> dict[str, object]:
    low, high = (
        crossing.items if end is None else min(max(end, reach[0]), reach[1]) for end in (crossing.low, crossing.high)
    )
    return {
        "items": crossing.items, "usd": crossing.usd, "low": low, "high": high, "sentence": crossing.sentence(names),
    }  # fmt: skip
