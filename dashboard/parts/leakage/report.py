"""What a search for leaks found: counts, pairs side by side, and every error with and without the suspects."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.leakage import reads as leakage_reads
from dashboard.shared import formats, navigation, reads, widgets, words
from db.job_results import LeakageResult, LeakPair
from db.types import Dataset
from worker.evaluation import compare, leakage_words
from worker.evaluation.measures import DECIDING, MEASURES, Measure
from worker.pricing import comparison, export

SHOWN = 5  # pairs side by side at first
MORE = 20


def show(dataset: Dataset, result: LeakageResult) -> None:
    """All of the report."""
    icon = ":material/water_drop:" if result.rows else ":material/check:"
    st.info(words.md(leakage_words.summary(result)), icon=icon)
    _kinds(result)
    if result.train_told:
        told = formats.count(result.train_told, "train row")
        st.caption(
            f"The text of {told} tells the price too: techniques learn to read it there, and find none in new items."
        )
    for sentence in result.notes:
        st.caption(words.plain(sentence))
    if result.not_compared:
        st.warning(
            words.plain(f"Nothing was compared by meaning. {result.not_compared}"), icon=":material/visibility_off:"
        )
    if result.rows:
        st.subheader("Every error with and without the suspects", anchor=False)
        _figures(dataset, result)
        st.subheader("Pairs side by side", anchor=False)
        _pairs(result)
        widgets.downloads(
            f"{dataset.name}-leaks",
            lambda: pl.DataFrame([pair.model_dump() for pair in result.pairs]),
            endings=export.SHEETS,
        )


def _kinds(result: LeakageResult) -> None:
    lines = [
        {
            "Kind": leakage_words.LABELS[kind.kind][0],
            "Suspects": len(kind.rows),
            "Rows compared": kind.compared,
            "Expected by accident": leakage_words.accidents(kind),
            "Similarity from": formats.NOTHING if kind.threshold is None else f"{kind.threshold:.2f}",
            "Finds of planted copies": leakage_words.sensitivity(kind),
            "Meaning": leakage_words.LABELS[kind.kind][1],
        }
        for kind in result.kinds
    ]
    widgets.table(pl.DataFrame(lines), column_config=_COLUMNS)


_COLUMNS: dict[str, Any] = {
    "Expected by accident": st.column_config.TextColumn(
        help="Rows that would look like this without any leak: known items of different groups are so alike, or the "
        "price of another item stands in the text. A count that is hardly above it proves nothing."
    ),
    "Similarity from": st.column_config.TextColumn(
        help="From here on two items are taken for one. Set so that all but 3 % of planted copies reach it.",
    ),
    "Finds of planted copies": st.column_config.TextColumn(
        help="Copies of your own known items were planted, and so many were found and matched with their original."
    ),
    "Meaning": st.column_config.TextColumn(width="large"),
}


def _figures(dataset: Dataset, result: LeakageResult) -> None:
    every = reads.comparable(dataset.id)
    taken = set(comparison.taken(dataset, every))  # as the command line takes them: no steps of context curves
    jobs = [job for job in every if job.id in taken]
    if not jobs:
        navigation.next_step(
            "No technique has been measured on this dataset yet.",
            navigation.RUN,
            "Choose techniques",
            ":material/balance:",
        )
        return
    key = st.selectbox(
        "Error", list(DECIDING), format_func=lambda key: DECIDING[key].label, key="leak-error", width=320
    )
    column = widgets.weights_column(dataset)
    versions = {job.id: reads.version(job) for job in jobs}
    frame = leakage_reads.figures(versions, result.rows, key, bool(column))
    names = compare.with_runs(frame, reads.names(jobs))
    plain_names = {job_id: words.plain(name) for job_id, name in names.items()}
    said = leakage_words.change(frame.to_dicts(), plain_names, DECIDING[key], words.plain(column))
    st.markdown(words.md(said))
    shown = frame.select(
        pl.col("job_id").replace_strict(names, return_dtype=pl.String).alias("Technique"),
        *(column for measure in MEASURES.values() for column in _pair(measure)),
    )
    widgets.table(shown, column_config={"Technique": st.column_config.TextColumn(pinned=True)})
    rows = frame.row(0, named=True)
    st.caption(
        f"On {rows['n']:,} test rows that all of them priced, and on {rows['n_without']:,} without the suspects. "
        f"Intervals hold for all techniques at once.{comparison.all_weighed(words.plain(column))}"
    )


def _pair(measure: Measure) -> list[pl.Expr]:
    return [
        pl.col(name).map_elements(measure.written, return_dtype=pl.String).alias(f"{measure.short}{tail}")
        for name, tail in ((measure.key, ""), (f"{measure.key}_without", ", without"))
    ]


def _pairs(result: LeakageResult) -> None:
    there = [kind.kind for kind in result.kinds if kind.rows]
    kind = st.segmented_control(
        "Kind", there, default=there[0], required=True, label_visibility="collapsed", key="leak-kind",
        format_func=lambda kind: leakage_words.LABELS[kind][0],
    )  # fmt: skip
    pairs = [pair for pair in result.pairs if pair.kind == kind]
    for pair in pairs[: MORE if st.toggle(f"Show up to {MORE}", key="leak-more") else SHOWN]:
        _side_by_side(pair)


def _side_by_side(pair: LeakPair) -> None:
    with st.container(border=True):
        left, right = st.columns(2, gap="large")
        left.caption(f"Test row {pair.row:,}")
        _item(left, pair.title, pair.description, pair.price)
        right.caption(
            words.plain(f"{pair.where} · {pair.known} · similarity {pair.score:.2f}" if pair.known else "Told by")
        )
        if pair.known:
            _item(right, pair.known_title, pair.known_description, pair.known_price)
        else:
            right.markdown(f"**{words.plain(pair.where)}**")


def _item(place: Any, title: str, description: str, price: float | None) -> None:
    place.markdown(f"**{words.plain(title)}** · {words.md(formats.price(price))}")
    place.caption(words.plain(description) or formats.NOTHING)
