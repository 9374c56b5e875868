"""Draws charts: as pictures without a browser and without the network, SVG whose text is text, and PNG; for pages."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from dashboard.shared.chart_style import FAMILY_COLOURS, Chart

WIDTH = 760
"""Pixels of a chart's plot; on pages it is as wide as the page."""
SCALE = 2
"""Pixels of a PNG for each of the chart's, so that it is sharp on a slide."""

# Measured with the font that comes with vl-convert, whose letters are as wide as these.
_FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
_INK, _PAPER = "#17211f", "#ffffff"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with what a page is sent of it, which takes longer to make than all else on most pages."""

    chart: Chart
    spec: Mapping[str, Any]  # Vega-Lite, with its frames by their names under "datasets"


def in_currency(drawn: Chart | Drawn, prefix: str) -> Any:
    """The chart with `prefix` in place of the $ in formats of d3: what stands in front of prices."""
    if prefix == "$":
        return drawn
    locale = {"number": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": [prefix, ""]}}
    if isinstance(drawn, Drawn):
        return Drawn(drawn.chart.configure(locale=locale), {**drawn.spec, "config": {"locale": locale}})
    return drawn.configure(locale=locale)


def drawn(chart: Chart) -> Drawn:
    """Not checked against Vega-Lite's schema, which takes as long again: tests do that."""
    frames: dict[str, pl.DataFrame] = {}

    def named(frame: pl.DataFrame) -> alt.NamedData:
        name = fingerprint(frame)  # of what is in it, so that a browser draws anew what changed
        frames[name] = frame
        return alt.NamedData(name=name)

    spec: dict[str, Any] = _holding(chart, named).to_dict(validate=False)
    spec.pop("config", None)  # Altair's own size of a chart
    return Drawn(chart, spec | {"datasets": frames})


def fingerprint(frame: pl.DataFrame) -> str:
    """Of all that is in a frame, whatever its size."""
    return hashlib.sha256(frame.write_ipc(None).getvalue()).hexdigest()


def svg(chart: Chart) -> str:
    """A file of its own: dark ink on white paper."""
    return _svg(chart, _INK, _PAPER)


def inline_svg(chart: Chart) -> str:
    """For a page in HTML: no paper, and the ink is the page's own, in light, in dark and printed."""
    return _svg(chart, "currentColor", None)


def png(chart: Chart) -> bytes:
    """On white paper, SCALE pixels for one."""
    import vl_convert  # heavy: only who draws pays for it

    return bytes(vl_convert.vegalite_to_png(_spec(chart, _INK, _PAPER), scale=SCALE, allowed_base_urls=[]))


def _svg(chart: Chart, ink: str, paper: str | None) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(_spec(chart, ink, paper), allowed_base_urls=[]))


def _spec(chart: Chart, ink: str, paper: str | None) -> dict[str, Any]:
    """The chart in Vega-Lite, with our look in place of the page's."""
    spec: dict[str, Any] = _holding(chart, lambda frame: alt.InlineData(values=_values(frame))).to_dict()
    locale = {"locale": spec["config"]["locale"]} if "locale" in spec.get("config", {}) else {}
    text = {"labelColor": ink, "titleColor": ink, "labelFont": _FONT, "titleFont": _FONT, "labelFontSize": 12}
    lines = {"gridColor": ink, "gridOpacity": 0.14, "domainColor": ink, "domainOpacity": 0.4}
    ticks = {"tickColor": ink, "tickOpacity": 0.4}
    spec["config"] = locale | {
        "background": paper,
        "font": _FONT,
        "axis": {**text, **lines, **ticks, "titleFontSize": 12, "titleFontWeight": 400, "titlePadding": 10},
        "legend": {**text, "titleFontSize": 12, "titleFontWeight": 400},
        "view": {"stroke": None},
        "range": {"category": list(FAMILY_COLOURS.values())},
    }
    # Room for letters that are wider than those that were measured with.
    return spec | {"width": WIDTH, "padding": {"left": 20, "right": 12, "top": 8, "bottom": 8}}


def _holding(chart: Any, of_frame: Callable[[pl.DataFrame], alt.Data]) -> Any:
    """The chart with something else in place of its frames.

    Altair would convert frames in the way that is set for the whole process, and pages set another one while they draw.
    """
    copy = chart.copy(deep=False)
    if isinstance(copy.data, pl.DataFrame):
        copy.data = of_frame(copy.data)
    if isinstance(copy, alt.LayerChart):
        copy.layer = [_holding(layer, of_frame) for layer in copy.layer]
    return copy


def _values(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Its lines as JSON can hold them."""
    numbers, times = pl.col(pl.Float64, pl.Float32), pl.col(pl.Date, pl.Datetime)
    return frame.with_columns(numbers.fill_nan(None), times.dt.to_string("iso")).to_dicts()
