"""Which techniques shall price which rows, and what will it take before anything is started?"""

import streamlit as st

from dashboard import widgets, words
from db.types import Split
from worker import actions, specs

dataset = widgets.ready(
    widgets.header("Run", "Choose techniques and rows; you see what it takes before anything is started.")
)
if dataset is None:
    st.stop()

test, unpriced = dataset.splits.get(Split.TEST, 0), dataset.splits.get(Split.UNPRICED, 0)
rows: dict[str, tuple[Split | None, str, int]] = {
    "measure": (Split.TEST, "Test rows, to measure how wrong each technique is", test),
    "price": (Split.UNPRICED, "Rows without a price, to get one", unpriced),
    "both": (None, "Both", test + unpriced if test and unpriced else 0),
}
rows = {key: choice for key, choice in rows.items() if choice[2]}
if not rows:
    st.info("This dataset has no rows to price: every row is on the train or validation side.")
    st.stop()
learns = dataset.splits.get(Split.TRAIN, 0) > 0
names = [name for name, kind in specs.SPECS.items() if learns or not kind.needs_fit]

st.subheader("1 · What to price", anchor=False)
left, right = st.columns([2, 1], gap="large")
what = left.radio(
    "Rows", list(rows), format_func=lambda key: f"{rows[key][1]} ({rows[key][2]:,})", label_visibility="collapsed"
)
split, _, available = rows[what]
sample = right.number_input(
    "How many", 1, available, min(available, 500), step=100, key=f"sample-{dataset.id}-{what}",
    help="A sample is drawn once and is the same for every technique; a larger one contains the smaller.",
)  # fmt: skip
limit = None if sample == available else int(sample)

st.subheader("2 · Techniques", anchor=False)
if not learns:
    st.info("This dataset has no prices to learn from, so only techniques that need none are offered.")
chosen = st.pills(
    "Techniques", names, selection_mode="multi", default=names, label_visibility="collapsed",
    format_func=lambda name: specs.SPECS[name].label,
)  # fmt: skip
if not chosen:
    st.info("Choose at least one technique.", icon=":material/arrow_upward:")
    st.stop()
planned = []
for name in [name for name in names if name in chosen]:
    with st.expander(f"**{specs.SPECS[name].label}** — {specs.SPECS[name].about}"):
        planned.append(widgets.spec_form(name))

st.subheader("3 · What it takes", anchor=False)
estimates = actions.estimate(dataset.id, planned, split, limit)
with st.form("start"):
    widgets.estimate_table(estimates)
    fresh = [estimate for estimate in estimates if estimate.reuses is None]
    seconds = sum(estimate.seconds + estimate.fixed_seconds for estimate in fresh)
    dollars = sum((estimate.usd + estimate.fixed_usd for estimate in fresh), start=estimates[0].usd * 0)
    st.markdown(
        words.md(f"In all about **{words.duration(seconds)}** of machine time and **{words.usd(dollars)}**.")
        if fresh
        else "All of this was run before; nothing new would be started."
    )
    label = f"Start {words.count(len(fresh), 'job')}" if fresh else "Show the jobs"
    started = st.form_submit_button(label, type="primary", icon=":material/play_arrow:")
if started:
    actions.start(dataset.id, planned, split, limit)
    widgets.go(widgets.JOBS)
widgets.worker_warning()
