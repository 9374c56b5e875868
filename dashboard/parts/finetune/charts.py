"""Charts of a training's curve: frames in, charts out."""

from typing import Any

import altair as alt
import polars as pl

from dashboard.parts.data.charts import SPLIT_COLOURS
from dashboard.shared.chart_style import ACCENT, Chart, sized
from db.types import Split
from worker import amounts

SIDES = {"Train": SPLIT_COLOURS[Split.TRAIN], "Validation": SPLIT_COLOURS[Split.VALIDATION]}
SHARES = {"median_relative_error": "Median error", "parse_rate": "Answers with a price"}
BEST = "#c9682a"

HEIGHT, SMALL = 230, 120


def loss(steps: pl.DataFrame, measured: pl.DataFrame, total: int) -> Chart:
    """Loss on the rows it learns from (steps: step, loss) and on validation rows (measured), over `total` steps."""
    parts = [
        frame.select("step", "loss", side=pl.lit(side)).drop_nulls("loss")
        for frame, side in ((steps, "Train"), (measured, "Validation"))
    ]
    colour = _colours("side", SIDES)
    tooltip = [
        alt.Tooltip("side:N", title="Rows"),
        alt.Tooltip("step:Q", format=","),
        alt.Tooltip("loss:Q", title="Loss", format=".4g"),
    ]
    y = alt.Y("loss:Q", title=None, axis=alt.Axis(format=".3~r"), scale=alt.Scale(zero=False))
    layers = [_line(part).encode(x=_x(total), y=y, color=colour, tooltip=tooltip) for part in parts]
    dots = alt.Chart(parts[1]).mark_point(filled=True, size=45, opacity=1)
    return sized(alt.layer(*layers, dots.encode(x=_x(total), y=y, color=colour, tooltip=tooltip)), height=HEIGHT)


def error(measured: pl.DataFrame, total: int) -> Chart:
    """Mean error in $ of the validation rows that were priced (step, mae, is_best); the best checkpoint is ringed."""
    known = measured.drop_nulls("mae")
    dollars, ticks = amounts.chart_format(known["mae"]), amounts.axis_format(known["mae"])
    tooltip = [alt.Tooltip("step:Q", format=","), alt.Tooltip("mae:Q", title="Mean error", format=dollars)]
    scale = alt.Scale(zero=False, padding=26)  # room for the word below the best one
    y = alt.Y("mae:Q", title=None, axis=alt.Axis(format=ticks), scale=scale)
    base: dict[str, Any] = {"x": _x(total), "y": y, "tooltip": tooltip}
    line = _line(known, color=ACCENT).encode(**base)
    dots = alt.Chart(known).mark_point(filled=True, size=45, opacity=1, color=ACCENT).encode(**base)
    best = alt.Chart(known.filter("is_best").tail(1))
    ring = best.mark_point(size=220, strokeWidth=2.5, color=BEST, opacity=1).encode(**base)
    name = best.mark_text(dy=20, color=BEST, fontWeight="bold").encode(x=_x(total), y=y, text=alt.value("best"))
    return sized(alt.layer(line, dots, ring, name), height=HEIGHT)


def shares(measured: pl.DataFrame, total: int) -> Chart:
    """Median relative error and share of readable answers (step, median_relative_error, parse_rate)."""
    long = (
        measured.select("step", *SHARES)
        .unpivot(index="step", variable_name="figure", value_name="share")
        .drop_nulls("share")
        .with_columns(pl.col("figure").replace_strict(SHARES, return_dtype=pl.String))
    )
    colour = _colours("figure", dict(zip(SHARES.values(), (ACCENT, SPLIT_COLOURS[Split.TEST]), strict=True)))
    tooltip = [
        alt.Tooltip("figure:N", title="Figure"),
        alt.Tooltip("step:Q", format=","),
        alt.Tooltip("share:Q", title="Share", format=".1%"),
    ]
    y = alt.Y("share:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(zero=True))
    drawn: dict[str, Any] = {"x": _x(total), "y": y, "color": colour, "tooltip": tooltip}
    dots = alt.Chart(long).mark_point(filled=True, size=45, opacity=1).encode(**drawn)
    return sized(alt.layer(_line(long).encode(**drawn), dots), height=HEIGHT)


def figure(steps: pl.DataFrame, name: str, total: int) -> Chart:
    """One figure of the steps, small: learning_rate, grad_norm, tokens_per_second."""
    known = steps.select("step", name).drop_nulls(name)
    tooltip = [alt.Tooltip("step:Q", format=","), alt.Tooltip(f"{name}:Q", format=".3~r", title="Value")]
    y = alt.Y(f"{name}:Q", title=None, axis=alt.Axis(format=".3~r", tickCount=3))
    line = _line(known, color=ACCENT, strokeWidth=1.5)
    return sized(line.encode(x=_x(total), y=y, tooltip=tooltip), height=SMALL)


def _x(total: int) -> alt.X:
    """All steps that there will be, so that one sees how far it is."""
    axis = alt.Axis(title="Step", format="~s", tickCount=5, grid=False)
    return alt.X("step:Q", axis=axis, scale=alt.Scale(domain=[0, max(1, total)], nice=False))


def _line(frame: pl.DataFrame, **mark: Any) -> alt.Chart:
    """A single point would be a line of no length, so it is drawn as one."""
    line: alt.Chart = alt.Chart(frame).mark_line(**({"strokeWidth": 2, "point": len(frame) == 1} | mark))
    return line


def _colours(field: str, names: dict[str, str]) -> alt.Color:
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3, columns=2)
    scale = alt.Scale(domain=list(names), range=list(names.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=legend)
