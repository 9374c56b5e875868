"""The Trade-offs page: what each technique costs, how wrong it is, how sure that is, and where it fails."""

import streamlit as st

from dashboard.parts.tradeoffs import (
    charts,
    choice,
    combinations,
    comparison,
    context_curve,
    hand_over,
    intervals,
    report,
    saved_verdicts,
    verdict_check,
)
from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.shared import formats, navigation, reads, verdicts, widgets, words
from worker.evaluation.measures import DECIDING
from worker.pricing import comparison as pricing_comparison

ABOUT = "What each technique costs and how wrong it is, on test rows that none of them has seen."
dataset = widgets.ready(widgets.header("Trade-offs", ABOUT))
if dataset is None:
    st.stop()

is_pricing = reads.is_pricing(dataset.id)  # read before what it brings, or its end is missed
jobs = reads.comparable(dataset.id)
if not jobs:
    page, label = navigation.RUN, "Choose techniques to compare"
    if is_pricing:
        page, label = navigation.JOBS, "Watch the jobs"
    navigation.next_step("No technique has been measured on this dataset yet.", page, label, ":material/balance:")
    st.stop()

labels = reads.names(jobs)
left, right = st.columns([1, 2], gap="large", vertical_alignment="bottom")
with left:
    key = st.selectbox("Error", list(DECIDING), format_func=lambda key: DECIDING[key].label, key="error")
    column = widgets.weights_column(dataset)
with right:
    versions = comparison.choose(dataset, jobs, labels)
error = DECIDING[key]
if not versions:
    st.info("Choose at least one job to look at.", icon=":material/arrow_upward:")
    st.stop()

weighted = bool(column)
table = reads.comparison(versions, error.key, weighted=weighted)
plain_names = {key: words.plain(name) for key, name in labels.items()}
st.info(words.md(verdicts.verdict(table, plain_names, error, column)), icon=":material/gavel:")
for sentence in tradeoffs_reads.price_cautions(tuple(versions)):
    st.warning(words.plain(sentence), icon=":material/warning:")
weighed = pricing_comparison.all_weighed(words.plain(column))
st.caption(f"{error.about} Compared on {formats.count(int(table['n'][0]), 'test row')}.{weighed}")
limits = choice.ask(error)
marks = choice.show(table, versions, plain_names, error, limits, weighted=weighted)
saved_verdicts.keep(dataset, list(versions), error, limits, list(marks), weighted=weighted)
combined = tradeoffs_reads.combinations(versions)
comparison.chart(table, error, marks, charts.budget_curves(combined, labels))
combinations.explain(combined, error)
comparison.unknown(table)
comparison.run_once([job for job in jobs if job.id in versions], table)
comparison.lost([job for job in jobs if job.id in versions], labels)
comparison.table(table, error, marks)

asked = versions, error.key, weighted
views = {
    "By category": lambda: comparison.slices(tradeoffs_reads.by_category(*asked), labels, error),
    "By price": lambda: comparison.slices(tradeoffs_reads.by_band(*asked), labels, error),
    "Every pair": lambda: comparison.every_pair(tradeoffs_reads.every_pair(*asked), labels, error),
    "Intervals": lambda: intervals.show(versions, labels),
    "Hand over": lambda: hand_over.show(versions, dict(table.select("job_id", "label").iter_rows())),
    "Guesses": lambda: comparison.guesses(versions, labels, table["job_id"]),
    "Worst rows": lambda: comparison.worst(versions, labels, table["job_id"]),
    "Context": lambda: context_curve.show(jobs, column),
    "Certainty": lambda: verdict_check.show(dataset, tuple(table["job_id"]), error, column),
    "Speed": lambda: comparison.speed(table),
}
if combined:
    views["Combinations"] = lambda: combinations.show(combined, labels)
st.subheader("Look closer", anchor=False)
view = st.segmented_control("View", list(views), default="By category", required=True, label_visibility="collapsed")
views[view]()
report.show(dataset, tuple(versions), error, limits, weighted=weighted)
saved_verdicts.show(dataset)
