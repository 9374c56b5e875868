"""Charts of the prices and the split of a dataset: frames in, charts out."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from dashboard.shared import words
from dashboard.shared.chart_style import ACCENT, GREY, Chart, money_axis, powers_axis, sized
from worker import amounts

SPLIT_COLOURS = {"train": "#5580b8", "validation": "#8d5fb5", "test": "#c9682a", "unpriced": GREY}


def price_histogram(edges: Sequence[float], counts: Sequence[int]) -> Chart:
    """Prices on a log axis; `edges` ($, ascending, one more than counts) come from the dataset's profile."""
    frame = pl.DataFrame({"low": list(edges)[:-1], "high": list(edges)[1:], "items": list(counts)})
    frame = frame.filter(pl.col("low") > 0)
    low, high = (float(frame["low"][0]), float(frame["high"][-1])) if len(frame) else (1.0, 10.0)
    dollars = amounts.chart_format([*frame["low"], *frame["high"]])
    tooltip = [
        alt.Tooltip("low:Q", title="From", format=dollars),
        alt.Tooltip("high:Q", title="To", format=dollars),
        alt.Tooltip("items:Q", title="Items", format=","),
    ]
    x = alt.X(
        "low:Q",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=powers_axis(low, high, money_axis(), "Price (log scale)", grid=False),
    )
    y = alt.Y("items:Q", axis=alt.Axis(title="Items", tickMinStep=1))
    # A bar between two edges on both axes is a rectangle; `mark_bar` would take it for a floating tick.
    bars = alt.Chart(frame).mark_rect(color=ACCENT, stroke=None, opacity=0.9)
    return sized(bars.encode(x=x, x2="high:Q", y=y, y2=alt.datum(0), tooltip=tooltip), height=260)


def split_bar(splits: dict[str, int]) -> Chart:
    """One bar: how the items are divided among the sides."""
    names = [name for name in words.SPLITS if splits.get(name)]
    labels = [words.SPLITS[name][0] for name in names]
    frame = pl.DataFrame({"side": labels, "items": [splits[name] for name in names], "place": range(len(names))})
    colour = alt.Color(
        "side:N",
        scale=alt.Scale(domain=labels, range=[SPLIT_COLOURS[name] for name in names]),
        legend=alt.Legend(title=None, orient="bottom", symbolType="circle"),
    )
    tooltip = [alt.Tooltip("side:N", title="Side"), alt.Tooltip("items:Q", title="Items", format=",")]
    bar = alt.Chart(frame).mark_bar(height=26)
    x = alt.X("items:Q", stack="normalize", axis=None)
    return sized(bar.encode(x=x, color=colour, order="place:Q", tooltip=tooltip), height=70)
