"""Charts of compared jobs: each function takes a frame and returns an Altair chart; nothing here fetches.

Many points are binned before they are drawn: a browser needs seconds for 100,000 marks and nobody can see them.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from dashboard.shared import formats, label_places, verdicts
from dashboard.shared.chart_style import (
    ACCENT,
    DOLLARS,
    EVEN,
    FAMILY_COLOURS,
    GREY,
    HEAT,
    MILLISECONDS,
    Chart,
    family_label_column,
    family_scales,
    money_axis,
    powers_axis,
    sized,
)
from db.types import Family
from worker import amounts
from worker.evaluation import compare, frontier
from worker.evaluation.measures import USUAL, Measure, Unit

AXES: dict[Unit, str] = {"price": "~r", "share": "~%", "log": "~r", "number": "~r"}
"""Unit of a measure -> d3's format of the axis of errors."""

MOST_POINTS = 2_000
"""Above this many points a scatter is binned into a grid."""


FAINTEST = 0.35
"""Opacity of a point that is surely not on the frontier."""


def trade_off(
    table: pl.DataFrame, error: Measure, chosen: Sequence[int] = (), budgets: pl.DataFrame | None = None
) -> Chart:
    """$ per 1,000 items against the error, with intervals and the frontier; the less likely a job is on it the fainter
    its point; the ids in `chosen` are ringed.

    `table` is worker.evaluation.compare.table with label, family and frontier_odds; `budgets` (label, usd_per_1000,
    mae, low, high) what other budgets of a cascade would buy on validation rows, drawn where the mean error is shown. A
    cost of 0 has no place on a log axis: it is drawn at half the smallest cost there is.
    """
    shown = table.drop_nulls([error.key, "usd_per_1000"])
    positive = shown.filter(pl.col("usd_per_1000") > 0)["usd_per_1000"].to_list()
    shown = shown.with_columns(
        cost=pl.col("usd_per_1000").clip(min(positive, default=2e-6) / 2),
        family_label=family_label_column(),
        error_text=pl.col(error.key).map_elements(error.written, return_dtype=pl.String),
        reach=pl.struct(f"{error.key}_low", f"{error.key}_high").map_elements(
            lambda ends: verdicts.reach(ends, error.key, error), return_dtype=pl.String
        ),
        verdict_text=pl.col("verdict").replace_strict(
            verdicts.VERDICTS, default=formats.NOTHING, return_dtype=pl.String
        ),
        cost_text=pl.col("usd_per_1000").map_elements(formats.usd, return_dtype=pl.String),
        odds=pl.col("frontier_odds").fill_null(0.0),
        odds_text=pl.col("frontier_odds").map_elements("{:.0%}".format, return_dtype=pl.String).fill_null("unknown"),
    )
    answers = shown["parse_rate"].to_list()
    trusted = shown.filter(pl.col("parse_rate") >= min(compare.MIN_ANSWERED, max(answers, default=0.0)))
    best = frontier.line(trusted, error=error.key, cost="cost", ascending=error.lower_is_better)
    low, high, bottom, top = _canvas(shown, error)
    shown = shown.with_columns(place=pl.Series(_places(shown, best, error, (low, high, bottom, top)), dtype=pl.String))
    x = alt.X(
        "cost:Q",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=powers_axis(low, high, DOLLARS, "Cost per 1,000 items (log scale)"),
    )
    better = "lower" if error.lower_is_better else "higher"
    errors = alt.Scale(domain=[bottom, top], nice=False, zero=False)
    y = alt.Y(
        f"{error.key}:Q",
        scale=errors,
        axis=alt.Axis(title=f"{error.label}, {better} is better", format=AXES[error.unit], tickCount=6),
    )
    colour, shape = family_scales(shown["family"].to_list())
    level = compare.level_of(table)
    tooltip = [
        alt.Tooltip("label:N", title="Technique"),
        alt.Tooltip("error_text:N", title=error.short),
        alt.Tooltip("reach:N", title=f"{formats.level(level)} interval"),
        alt.Tooltip("verdict_text:N", title="Verdict"),
        alt.Tooltip("cost_text:N", title="Per 1,000 items"),
        alt.Tooltip("odds_text:N", title="On the frontier"),
        alt.Tooltip("n:Q", title="Test rows", format=","),
    ]
    base = alt.Chart(shown)
    line = (
        alt.Chart(best)
        .mark_line(interpolate="step-after", strokeDash=[5, 4], color=GREY, strokeWidth=1.5)
        .encode(x=x, y=y)
    )
    bars = base.mark_rule(strokeWidth=3, opacity=0.45).encode(
        x=x, y=alt.Y(f"{error.key}_low:Q"), y2=f"{error.key}_high:Q", color=colour
    )
    sureness = alt.Opacity("odds:Q", scale=alt.Scale(domain=[0, 1], range=[FAINTEST, 1]), legend=None)
    points = base.mark_point(filled=True, size=180).encode(
        x=x, y=y, color=colour, shape=shape, opacity=sureness, tooltip=tooltip
    )
    rings = (
        alt.Chart(shown.filter(pl.col("job_id").is_in(list(chosen))))
        .mark_point(filled=False, shape="circle", size=620, strokeWidth=2.5, color=ACCENT, opacity=1)
        .encode(x=x, y=y)
    )
    texts = [
        base.transform_filter(alt.datum.place == name)
        .mark_text(fontSize=13, fontWeight=600, baseline="middle", align=spot.align, dx=spot.dx, dy=spot.dy)
        .encode(x=x, y=y, text="label:N", color=colour)
        for name, spot in label_places.PLACES.items()
        if name in shown["place"].to_list()
    ]
    bands = _budgets(budgets, x, errors) if budgets is not None and error.key == USUAL else []
    return sized(alt.layer(*bands, line, bars, rings, points, *texts), height=430)


def budget_curves(told: Mapping[int, Mapping[str, Any]], labels: dict[int, str]) -> pl.DataFrame:
    """label, usd_per_1000, mae, low, high: what other budgets of each cascade would buy, on validation rows.

    told: job id -> what validation rows say of a combination's members (worker.pricing.comparison.combinations).
    """
    points = [
        {"label": labels[job_id], **point}
        for job_id, each in told.items()
        for point in each.get("curve", ())
        if point["usd_per_1000"] > 0
    ]
    figures = dict.fromkeys(("usd_per_1000", "mae", "low", "high"), pl.Float64)
    return pl.DataFrame(points, schema={"label": pl.String, **figures})


def _budgets(budgets: pl.DataFrame, x: alt.X, errors: alt.Scale) -> list[Chart]:
    """A line with its 95 % band through what each budget of a cascade would buy."""
    if budgets.is_empty():
        return []
    shown = alt.Chart(budgets.with_columns(cost=pl.col("usd_per_1000")))
    colour = FAMILY_COLOURS[Family.CASCADE]
    tooltip = [
        alt.Tooltip("label:N", title="Other budgets of"),
        alt.Tooltip("cost:Q", title="$ per 1,000 items", format=".4~g"),
        alt.Tooltip("mae:Q", title="Mean error on validation rows", format=amounts.chart_format(budgets["mae"])),
    ]
    band = shown.mark_area(color=colour, opacity=0.08, clip=True).encode(
        x=x, y=alt.Y("low:Q", scale=errors), y2="high:Q", detail="label:N"
    )
    through = shown.mark_line(color=colour, opacity=0.7, strokeWidth=1.5, clip=True).encode(
        x=x, y=alt.Y("mae:Q", scale=errors), detail="label:N", tooltip=tooltip
    )
    return [band, through]


def _canvas(shown: pl.DataFrame, error: Measure) -> tuple[float, float, float, float]:
    """Ends of both axes with some air: costs (log) and errors with their intervals."""
    costs = shown["cost"].to_list() or [1e-6]
    ends = [value for name in ("", "_low", "_high") for value in shown[error.key + name].drop_nulls().to_list()] or [
        0.0
    ]
    air = 0.08 * (max(ends) - min(ends) or max(ends) or 1.0)
    return min(costs) / 3, max(costs) * 3, max(0.0, min(ends) - air), max(ends) + air


def _places(
    shown: pl.DataFrame, best: pl.DataFrame, error: Measure, canvas: tuple[float, float, float, float]
) -> list[str]:
    """Where each label goes; intervals and the steps of the frontier are lines to keep clear of."""
    low, high, bottom, top = canvas

    def share(cost: float, value: float) -> tuple[float, float]:
        return math.log(cost / low) / math.log(high / low), (value - bottom) / (top - bottom)

    points = [share(*pair) for pair in shown.select("cost", error.key).iter_rows()]
    bars = [
        (*share(cost, down), *share(cost, up))
        for cost, down, up in shown.select("cost", f"{error.key}_low", f"{error.key}_high").drop_nulls().iter_rows()
    ]
    corners = [share(*pair) for pair in best.select("cost", error.key).iter_rows()]
    steps = [(here[0], here[1], there[0], here[1]) for here, there in itertools.pairwise(corners)]
    rises = [
        (there[0], min(here[1], there[1]), there[0], max(here[1], there[1]))
        for here, there in itertools.pairwise(corners)
    ]
    return label_places.place(points, shown["label"].to_list(), bars + steps + rises)


def slices(frame: pl.DataFrame, labels: dict[int, str], error: Measure) -> Chart:
    """A grid: slices down, techniques across, the error in each cell; brown to red is what is surely worse than the one
    ahead in its row, green what is not shown to be, grey what has too few rows to say.

    `frame` is worker.evaluation.slices.by_category or by_band.
    """
    cells = frame.drop_nulls(error.key).with_columns(
        label=pl.col("job_id").replace_strict(labels, return_dtype=pl.String, default=None),
        row_name=pl.format("{}  ({})", "slice", "n"),
        text=pl.col(error.key).map_elements(error.written, return_dtype=pl.String),
        verdict_text=pl.col("verdict").replace_strict(
            verdicts.VERDICTS, default=formats.NOTHING, return_dtype=pl.String
        ),
    )
    value = pl.col(error.key)
    ahead = value.first().over("slice")  # who is ahead stands first in a comparison
    worse = value / ahead if error.lower_is_better else ahead / value
    # Beyond twice the best everything is simply bad; an open scale would make all else look equal.
    cells = cells.with_columns(worse=worse.fill_nan(1.0).clip(1.0, 2.0).fill_null(2.0))
    rows = cells.unique("row_name").sort("order")["row_name"].to_list()
    order = [label for job, label in labels.items() if job in set(cells["job_id"])]
    base = alt.Chart(cells).encode(
        x=alt.X(
            "label:N",
            sort=order,
            scale=alt.Scale(paddingInner=0.04),
            axis=alt.Axis(title=None, orient="top", labelAngle=0, labelLimit=150),
        ),
        y=alt.Y("row_name:N", sort=rows, scale=alt.Scale(paddingInner=0.08), axis=alt.Axis(title=None, labelLimit=280)),
        tooltip=[
            alt.Tooltip("label:N", title="Technique"),
            alt.Tooltip("slice:N", title="Slice"),
            alt.Tooltip("text:N", title=error.short),
            alt.Tooltip("verdict_text:N", title="Verdict"),
            alt.Tooltip("n:Q", title="Test rows"),
        ],
    )
    plain = alt.when(alt.datum.verdict == "too few rows").then(alt.value(GREY)).otherwise(alt.value(EVEN))
    ground = base.mark_rect(cornerRadius=3).encode(color=plain)
    title = "Surely worse: × the one ahead"
    legend = alt.Legend(title=title, orient="bottom", format=".1f", gradientLength=220, tickCount=3)
    heat = (
        base.transform_filter(alt.datum.verdict == "worse")
        .mark_rect(cornerRadius=3)
        .encode(color=alt.Color("worse:Q", scale=alt.Scale(domain=[1, 2], range=HEAT), legend=legend))
    )
    text = base.mark_text(fontSize=12, fontWeight=600, color="#ffffff").encode(text="text:N")
    return sized(alt.layer(ground, heat, text), height=alt.Step(34))


def every_pair(frame: pl.DataFrame, labels: dict[int, str], error: Measure) -> Chart:
    """A grid of techniques beside techniques: how much nearer or further off the one on the left is, coloured where
    that is sure.

    `frame` is worker.evaluation.compare.every_pair.
    """
    cells = frame.drop_nulls("verdict").with_columns(
        left=pl.col("first").replace_strict(labels, return_dtype=pl.String, default=None),
        top=pl.col("second").replace_strict(labels, return_dtype=pl.String, default=None),
        text=pl.col("diff").map_elements(
            lambda gap: ("+" if gap > 0 else "") + error.written(gap), return_dtype=pl.String
        ),
        reach=pl.struct("diff_low", "diff_high").map_elements(
            lambda ends: verdicts.reach(ends, "diff", error), return_dtype=pl.String
        ),
        more=pl.col("more_rows").map_elements(lambda rows: f"about {rows:,}", return_dtype=pl.String).fill_null("–"),
    )
    known = {*cells["left"], *cells["top"]}
    order = [label for label in labels.values() if label in known]
    axis: dict[str, Any] = {"sort": order, "scale": alt.Scale(paddingInner=0.06)}
    across = alt.Axis(title="than", orient="top", labelAngle=-30, labelLimit=190, labelOverlap=False)
    base = alt.Chart(cells).encode(
        x=alt.X("top:N", **axis, axis=across),
        y=alt.Y("left:N", **axis, axis=alt.Axis(title=None, labelLimit=280)),
        tooltip=[
            alt.Tooltip("left:N", title="Technique"),
            alt.Tooltip("top:N", title="Beside"),
            alt.Tooltip("verdict:N", title="Verdict"),
            alt.Tooltip("text:N", title="Difference"),
            alt.Tooltip("reach:N", title="Interval"),
            alt.Tooltip("more:N", title="Rows to tell"),
        ],
    )
    colour = alt.Color(
        "verdict:N",
        scale=alt.Scale(domain=["better", "tie", "worse", "too few rows"], range=[EVEN, GREY, HEAT[-1], GREY]),
        legend=alt.Legend(title=None, orient="bottom", values=["better", "tie", "worse"]),
    )
    ground = base.mark_rect(cornerRadius=3).encode(color=colour)
    text = base.mark_text(fontSize=12, fontWeight=600, color="#ffffff").encode(text="text:N")
    return sized(alt.layer(ground, text), height=alt.Step(34))


def truth_and_guess(frame: pl.DataFrame) -> Chart:
    """True price against guess, both on log axes; the line is a perfect guess, the band is 20 % around it.

    `frame`: truth, price ($, only positive ones are drawn), title. Binned above MOST_POINTS lines.
    """
    good = frame.filter((pl.col("truth") > 0) & (pl.col("price") > 0)).select("truth", "price", "title")
    both = np.concatenate([good["truth"].to_numpy(), good["price"].to_numpy()])
    low, high = (float(both.min()) * 0.8, float(both.max()) * 1.25) if len(both) else (1.0, 1000.0)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = alt.X("truth:Q", scale=scale, axis=powers_axis(low, high, money_axis(), "True price"))
    y = alt.Y("price:Q", scale=scale, axis=powers_axis(low, high, money_axis(), "Guess"))
    ends = pl.DataFrame({"truth": [low, high], "price": [low, high], "least": [low * 0.8, high * 0.8],
                         "most": [low * 1.2, high * 1.2]})  # fmt: skip
    band = (
        alt.Chart(ends)
        .mark_area(color=ACCENT, opacity=0.15, clip=True)
        .encode(x=x, y=alt.Y("least:Q", scale=scale), y2="most:Q")
    )
    line = alt.Chart(ends).mark_line(color=GREY, strokeWidth=1.5).encode(x=x, y=y)
    marks = _binned(good, low, high, x, y) if len(good) > MOST_POINTS else _scattered(good, x, y)
    return sized(alt.layer(band, line, marks), height=430)


def _scattered(good: pl.DataFrame, x: alt.X, y: alt.Y) -> Chart:
    dollars = amounts.chart_format([*good["truth"], *good["price"]])
    tooltip = [
        alt.Tooltip("title:N", title="Product"),
        alt.Tooltip("truth:Q", title="True price", format=dollars),
        alt.Tooltip("price:Q", title="Guess", format=dollars),
    ]
    opacity = 0.75 if len(good) < 500 else 0.45
    dots = alt.Chart(good).mark_circle(size=45, color=ACCENT, opacity=opacity, clip=True)
    return sized(dots.encode(x=x, y=y, tooltip=tooltip))


def _binned(good: pl.DataFrame, low: float, high: float, x: alt.X, y: alt.Y, cells: int = 48) -> Chart:
    """Counts on a grid of equal steps of the logarithm."""
    step = math.log(high / low) / cells

    def cell(column: str) -> pl.Expr:
        return ((pl.col(column) / low).log() / step).floor().clip(0, cells - 1)

    grid = good.group_by(cell("truth").alias("i"), cell("price").alias("j")).len("items")
    edges = {
        name: low * ((pl.col(index) + shift) * step).exp()
        for name, index, shift in (("truth", "i", 0), ("truth_to", "i", 1), ("price", "j", 0), ("price_to", "j", 1))
    }
    colour = alt.Color(
        "items:Q",
        scale=alt.Scale(type="log", range=["#a9d8d0", "#0b5355"]),
        legend=alt.Legend(title="Items", orient="top"),
    )
    squares = alt.Chart(grid.with_columns(**edges)).mark_rect()
    tooltip = [alt.Tooltip("items:Q", title="Items", format=",")]
    return sized(squares.encode(x=x, x2="truth_to:Q", y=y, y2="price_to:Q", color=colour, tooltip=tooltip))


def latency(table: pl.DataFrame) -> Chart:
    """Working time per item: the mark is the median, the line ends at the 95th percentile. Needs label and family."""
    shown = table.drop_nulls(["p50_ms", "p95_ms"]).with_columns(
        family_label=family_label_column(), p50=pl.col("p50_ms").clip(1e-4), p95=pl.col("p95_ms").clip(1e-4)
    )
    colour, shape = family_scales(shown["family"].to_list())
    low, high = min(shown["p50"].to_list(), default=1.0) / 2, max(shown["p95"].to_list(), default=1.0) * 2
    x = alt.X(
        "p50:Q",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=powers_axis(low, high, MILLISECONDS, "Time per item (log scale)"),
    )
    y = alt.Y("label:N", sort=shown.sort("p50")["label"].to_list(), axis=alt.Axis(title=None, labelLimit=280))
    tooltip = [
        alt.Tooltip("label:N", title="Technique"),
        alt.Tooltip("p50_ms:Q", title="Median (ms)", format=",.3~f"),
        alt.Tooltip("p95_ms:Q", title="95 % are faster than (ms)", format=",.3~f"),
    ]
    base = alt.Chart(shown)
    reach = base.mark_rule(strokeWidth=4, opacity=0.45).encode(x=x, x2="p95:Q", y=y, color=colour)
    points = base.mark_point(filled=True, size=140, opacity=1).encode(
        x=x, y=y, color=colour, shape=shape, tooltip=tooltip
    )
    return sized(alt.layer(reach, points), height=alt.Step(34))
