"""The style of all charts: colours and shapes of families, axes in dollars, size. Nothing here knows a page."""

import json
import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl
from altair.utils import schemapi

from dashboard.shared import words
from db.types import Family
from worker import amounts

# Altair checks each part of a chart when it is made, and the whole again when it is drawn. Once is enough.
schemapi.disable_debug_mode()

# Mid tones that keep a contrast of 3:1 on the light and on the dark background (WCAG 1.4.11), so that a family has
# the same colour in both. Shapes repeat the family for those who can't tell the colours apart.
FAMILY_COLOURS: dict[str, str] = {
    Family.BASELINE: "#5580b8",
    Family.PROMPT: "#c9682a",
    Family.RAG: "#2a8f83",
    Family.FINETUNE: "#8d5fb5",
    Family.ENSEMBLE: "#a07a14",
    Family.CASCADE: "#c24a6e",
}
FAMILY_SHAPES: dict[str, str] = {
    Family.BASELINE: "circle",
    Family.PROMPT: "square",
    Family.RAG: "diamond",
    Family.FINETUNE: "triangle-up",
    Family.ENSEMBLE: "cross",
    Family.CASCADE: "triangle-down",
}
Chart = alt.Chart | alt.LayerChart | alt.FacetChart

# White text on any of these is legible (4.5:1).
HEAT = ["#75683c", "#a3452a"]  # a little worse, much worse
EVEN = "#14756d"  # not shown to be worse
GREY = "#84918e"  # lines that guide the eye, legible on both backgrounds
ACCENT = "#23918a"

# d3's own formats write 1e-6 or 1µ for a millionth of a dollar.
DOLLARS = "datum.value >= 1 ? '$' + format(datum.value, ',.0f') : '$' + format(datum.value, '.3~r')"


def money_axis() -> str:
    """The labels of an axis of prices on a log scale, in the currency of the dataset."""
    sign = amounts.money().prefix
    return DOLLARS if sign == "$" else DOLLARS.replace("'$'", json.dumps(sign))


MILLISECONDS = "datum.value >= 1000 ? format(datum.value / 1000, '~r') + ' s' : format(datum.value, '~r') + ' ms'"


def _powers_of_ten(low: float, high: float) -> list[float]:
    return [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def powers_axis(low: float, high: float, label: str, title: str, *, grid: bool = True) -> alt.Axis:
    """An axis of a log scale with a tick at each power of ten; where there are fewer than three, also at 2 and 5 times
    these; at both ends where one tick or none lies between."""
    powers = _powers_of_ten(low, high)
    ticks = [tick for tick in powers if low <= tick <= high]
    if len(ticks) < 3:
        ticks = [times * power for power in powers for times in (1, 2, 5) if low <= times * power <= high]
    return alt.Axis(values=ticks if len(ticks) > 1 else [low, high], labelExpr=label, title=title, grid=grid)


def family_label_column() -> pl.Expr:
    return pl.col("family").replace_strict(words.FAMILIES, default="Other")


def sized(chart: Any, **properties: Any) -> Chart:
    """Altair's fluent calls lose their type on the way."""
    done: Chart = chart.properties(**properties)
    return done


def family_scales(present: Sequence[str]) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of the families that are there, with one legend for both."""
    names = [family for family in FAMILY_COLOURS if family in present]
    labels = [words.FAMILIES[name] for name in names]
    legend = alt.Legend(title=None, orient="top", symbolSize=110, symbolOpacity=1, labelLimit=300)
    colours, shapes = [FAMILY_COLOURS[name] for name in names], [FAMILY_SHAPES[name] for name in names]
    return (
        alt.Color("family_label:N", scale=alt.Scale(domain=labels, range=colours), legend=legend),
        alt.Shape("family_label:N", scale=alt.Scale(domain=labels, range=shapes), legend=legend),
    )
