"""Compared jobs on the page: their choice, the table of figures, slices, guesses, worst rows, speed."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import charts
from dashboard.parts.tradeoffs.choice import Marks
from dashboard.shared import formats, pickers, reads, verdicts, widgets, words
from dashboard.shared.reads import Version
from db.types import Dataset, Job, PredictionStatus
from worker import amounts
from worker.evaluation import compare
from worker.evaluation.measures import MEASURES, SHOWN, Measure
from worker.pricing import comparison, export, repeats

WORST = 50


def choose(dataset: Dataset, jobs: Sequence[Job], labels: dict[int, str]) -> dict[int, Version]:
    """The jobs to compare, at first those that the command line would take too: see worker.pricing.comparison.taken.

    A comparison uses the rows that all of them priced, so one that priced a few makes it small: then this says which.
    """
    names = {job.id: labels[job.id] for job in jobs}
    first = comparison.taken(dataset, jobs)
    steps = {job_id for curve in comparison.curves(jobs) for job_id in curve}.difference(first)
    chosen = pickers.several("Compared", names, first=first, key=f"compared-{dataset.id}-{max(names)}")
    sizes = {job.id: job.items_total for job in jobs if job.id in chosen}
    if sizes and min(sizes.values()) * 2 < max(sizes.values()):
        fewest = min(sizes.values())
        small = formats.listed([labels[job_id] for job_id, size in sizes.items() if size == fewest])
        st.caption(
            f":material/info: {words.plain(small)} priced only {formats.count(fewest, 'row')}; "
            "all are compared on the rows they share."
        )
    if steps:
        st.caption(f":material/show_chart: {len(steps)} steps of context curves are left out: see Context below.")
    return {job.id: reads.version(job) for job in jobs if job.id in chosen}


def chart(frame: pl.DataFrame, error: Measure, marks: Marks, budgets: pl.DataFrame | None) -> None:
    """Cost against error; what was chosen by a limit is ringed."""
    widgets.chart(widgets.once(charts.trade_off, frame, error, list(marks), budgets), "trade-off")
    ringed = " A ring marks what the limits choose." if marks else ""
    st.caption(
        f"Bars are {amounts.level(compare.level_of(frame))} bootstrap intervals over the test rows. On the dashed line "
        "nothing else here is both cheaper and more accurate; the fainter a point, the less likely it would be there "
        f"with other items, costs taken into account.{ringed} Costs are working time × the machine's hourly rate, or "
        "the endpoint's tariff for all answers, stored ones included; the fixed cost of learning stands apart below."
    )


def unknown(frame: pl.DataFrame) -> None:
    """Says which jobs are not on the chart because nobody knows what they cost."""
    blind = frame.filter(pl.col("usd_per_1000").is_null() & (pl.col("n") > 0))["label"].to_list()
    if blind:
        st.caption(
            f":material/help: What {words.plain(formats.listed(blind))} costs is unknown, so it is not on the chart; a "
            "price on the Endpoints page holds from then on."
        )


def run_once(jobs: Sequence[Job], table: pl.DataFrame) -> None:
    """Says which techniques would answer otherwise in another run, and were run once."""
    once = set(table.filter(pl.col("repeats") == 1)["job_id"])
    drawn = [job.id for job in jobs if job.id in once and repeats.is_by_chance(job)]
    names = table.filter(pl.col("job_id").is_in(drawn))["label"].to_list()
    if names:
        st.caption(
            f":material/casino: Run once only: {words.plain(formats.listed(names))}. How much another seed or a fresh "
            "sample would change is in no interval; run it again with another one to know."
        )


def lost(jobs: Sequence[Job], labels: dict[int, str]) -> None:
    """Says what jobs lost with calls that brought no answer: an accident, so that it is in no cost per item."""
    said = [f"up to {formats.usd(job.lost_usd)} by {labels[job.id]}" for job in jobs if job.lost_usd]
    if said:
        told = words.plain(formats.listed(said))
        st.caption(f":material/money_off: Lost besides with calls that brought no answer: {told}.")


def table(frame: pl.DataFrame, error: Measure, marks: Marks) -> None:
    """The figures that a reader chose, each with its unit; fixed cost apart; with what was chosen by a limit."""
    chosen = st.multiselect(
        "Measures in the table", list(MEASURES), default=list(dict.fromkeys((error.key, *SHOWN))),
        format_func=lambda key: MEASURES[key].label, key=f"measures-{error.key}",
    )  # fmt: skip
    shares = [key for key in chosen if MEASURES[key].unit == "share"]
    others = [key for key in chosen if key not in shares]
    shown = frame.select(
        "label",
        pl.col("verdict").replace_strict(verdicts.VERDICTS, default=formats.NOTHING),
        pl.struct(f"{error.key}_low", f"{error.key}_high")
        .map_elements(lambda ends: verdicts.reach(ends, error.key, error), return_dtype=pl.String)
        .alias("interval"),
        "more_rows",
        *others,
        pl.col("job_id").replace_strict(marks, default="", return_dtype=pl.String).alias("chosen"),
        *(pl.col(share) * 100 for share in (*shares, "parse_rate", "frontier_odds")),
        pl.col("usd_per_1000").map_elements(formats.known_usd, return_dtype=pl.String, skip_nulls=False),
        pl.col("fixed_usd").map_elements(formats.known_usd, return_dtype=pl.String, skip_nulls=False),
        pl.col("fixed_seconds").map_elements(formats.duration, return_dtype=pl.String),
        pl.col("p50_ms", "p95_ms").map_elements(lambda ms: formats.duration(ms / 1000), return_dtype=pl.String),
    )
    figures = {key: _figure(MEASURES[key], shown[key]) for key in chosen}
    widgets.table(
        shown,
        column_config=_COLUMNS | figures | _judged(error, frame["level"][0]),
        column_order=_order(chosen, has_marks=bool(marks)),
    )
    widgets.downloads("trade-offs", lambda: frame, endings=export.SHEETS)


def _order(measures: Sequence[str], *, has_marks: bool) -> list[str]:
    """The columns of the table, the measure that the verdict is about first."""
    chosen = ["chosen"] if has_marks else []
    money_and_time = ("usd_per_1000", "fixed_usd", "fixed_seconds", "p50_ms", "p95_ms")
    doubt = ("more_rows", "interval", "parse_rate", "frontier_odds")
    return ["label", *chosen, "verdict", *measures, *doubt, *money_and_time]


def _judged(error: Measure, level: float) -> dict[str, Any]:
    """The columns whose meaning depends on the chosen error and the level of confidence."""
    text, sure = st.column_config.TextColumn, amounts.level(level)
    worse = (
        f"Worse = the {sure} interval of the paired difference to the one ahead lies above 0. All pairs of techniques "
        f"are held at once, so in {sure} of comparisons like this one nothing is called worse that is not."
    )
    return {
        "verdict": text("Verdict", help=f"On {error.short.lower()}. {worse}"),
        "interval": text(
            f"{sure} interval",
            help=f"Of {error.short.lower()}: bootstrap over the test rows, near-duplicates together.",
        ),
    }


def _figure(measure: Measure, values: pl.Series) -> Any:
    """The column of a measure; a share is shown in percent."""
    if measure.unit == "price":
        return widgets.prices(measure.short, values, measure.about)
    return _number(measure.short, "%.0f %%" if measure.unit == "share" else "%.3f", measure.about)


def _number(label: str, form: str, about: str) -> Any:
    return st.column_config.NumberColumn(label, format=form, help=about)


_text = st.column_config.TextColumn
_COLUMNS: dict[str, Any] = {
    "label": _text("Technique", pinned=True),
    "more_rows": st.column_config.NumberColumn(
        "Rows to tell",
        format="localized",
        help="About so many more test rows would tell it from the one ahead in 80 of 100 cases, if the two differ as "
        "much as they seem to. Empty: told already, or out of reach.",
    ),
    "chosen": _text("Chosen", width="medium", help="By a limit of error, cost or time above the chart."),
    "frontier_odds": _number(
        "On the frontier",
        "%.0f %%",
        "How likely it is, with other items, that nothing else here is both cheaper and more accurate. Empty: its cost "
        "is unknown, it answered too little, or there are too few rows.",
    ),
    "parse_rate": _number(
        "Answered", "%.1f %%", "Share of rows with a readable price; the rest is never counted as 0."
    ),
    "usd_per_1000": _text(
        "Per 1,000 items",
        help="Working time × hourly rate of the machine, or what the endpoint charges anew; without learning.",
    ),
    "fixed_usd": _text("Fixed cost", help="Learning and indexing, paid once; not in the column before."),
    "fixed_seconds": _text("Learning", help="Time of learning and indexing, once."),
    "p50_ms": _text("Time per item", help="Working time: half of the items are faster (p50)."),
    "p95_ms": _text("Slowest 5 %", help="Working time: 95 % of the items are faster (p95)."),
}


def slices(frame: pl.DataFrame, labels: dict[int, str], error: Measure) -> None:
    st.caption(
        f"{error.label} of each technique, with the number of test rows beside each slice. Brown to red is surely "
        "worse than the one ahead in its row, all slices and techniques taken together; green is not shown to be; grey "
        "has too few rows to say."
    )
    widgets.chart(widgets.once(charts.slices, frame, labels, error), "slices")


def every_pair(frame: pl.DataFrame, labels: dict[int, str], error: Measure) -> None:
    st.caption(
        f"How much {'more' if error.lower_is_better else 'less'} {error.short.lower()} the technique on the left has "
        "than the one above, on the rows that both answered. Green is surely better, red surely worse, all pairs taken "
        "together; grey is a tie, and its tooltip says how many more rows would probably tell."
    )
    widgets.chart(widgets.once(charts.every_pair, frame, labels, error), "every-pair")


def _one(versions: dict[int, Version], labels: dict[int, str], order: pl.Series) -> pl.DataFrame:
    """The measured lines of one technique, which the reader chooses; `order` is that of the choices."""
    job_id = pickers.one("Technique", {each: labels[each] for each in order}, key=f"one-{min(versions)}")
    return reads.measured({job_id: versions[job_id]})  # of this one alone: a page need not wait for all others


def guesses(versions: dict[int, Version], labels: dict[int, str], order: pl.Series) -> None:
    left, right = st.columns([1, 2], gap="large")
    with left:
        frame = _one(versions, labels, order)
        st.caption("The line is a perfect guess, the band 20 % around it. Points above it are guessed too dear.")
        unread = frame.filter(pl.col("status") != str(PredictionStatus.OK))
        if len(unread):
            st.caption(f"{formats.count(len(unread), 'row')} without a readable price can't be drawn.")
    with right:
        widgets.chart(charts.truth_and_guess(frame), "guesses")


def worst(versions: dict[int, Version], labels: dict[int, str], order: pl.Series) -> None:
    frame = _one(versions, labels, order).drop_nulls("price").with_columns(error=pl.col("price") - pl.col("truth"))
    dearest = frame.sort(pl.col("error").abs(), descending=True).head(WORST)
    st.caption(
        f"The {len(dearest)} guesses that are furthest off: often wrong prices in the file, sets or rare brands."
    )
    prices = [*dearest["truth"], *dearest["price"]]
    widgets.table(
        dearest.select("row", "title", "category", "truth", "price", "error"),
        column_config={
            "row": "Row",
            "title": st.column_config.TextColumn("Product", width="large"),
            "category": "Category",
            "truth": widgets.prices("True price", prices, "What the file says."),
            "price": widgets.prices("Guess", prices, "What the technique says."),
            "error": widgets.prices("Off by", prices, "Guess minus true price."),
        },
    )


def speed(table: pl.DataFrame) -> None:
    st.caption(
        "Working time per item on the machine that did it: the mark is the median, 95 % are faster than the line's end."
    )
    widgets.chart(widgets.once(charts.latency, table), "latency")
