"""What learning anew on parts of the rows brought: cross-fits of a small table, rolling origins of a dated one."""

from collections.abc import Sequence
from contextlib import suppress

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.shared import formats, navigation, widgets, words
from dashboard.shared.reads import comparable, version
from db.errors import UserError
from db.types import Dataset, Job, Verb
from worker import amounts, specs
from worker.evaluation.ageing import span
from worker.evaluation.measures import DECIDING, USUAL
from worker.refits import actions
from worker.refits.actions import MOST_ORIGINS
from worker.specs import BaseSpec

_HEADS = {
    "technique": "Technique", "n": "Rows", "figure": DECIDING[USUAL].label, "reach": "Interval",
    "apart": "Worse by", "verdict": "Verdict",
}  # fmt: skip


def of_small_table(dataset: Dataset) -> bool:
    """Shows the cross-fits of a table that is too small for one split, or what to do; nothing of any other. Returns
    whether they are the answer: no technique priced test rows of one split beside them."""
    if not actions.is_small(dataset):
        return False
    done = actions.of_dataset(dataset.id, "folds")
    if not done:
        st.warning(words.plain(f"{actions.advice(dataset)} Start it on the Run page."), icon=":material/data_array:")
        return False
    stands_alone = not comparable(dataset.id)
    report = tradeoffs_reads.cross_fits({job.id: version(job) for job in done})
    st.subheader("Cross-fitted", anchor=False)
    for sentence in report.sentences:
        st.info(words.plain(sentence), icon=":material/gavel:")
    written = DECIDING[USUAL].written
    lines = [
        {
            **{key: line[key] for key in ("technique", "n", "verdict")},
            "figure": written(line["figure"]),
            "reach": f"{written(line['low'])} to {written(line['high'])}",
            "apart": amounts.NOTHING
            if line["diff_low"] is None
            else f"{line['diff']:+.2f} ({line['diff_low']:+.2f} to {line['diff_high']:+.2f})",
        }
        for line in report.rows
    ]
    widgets.table(pl.DataFrame(lines).select(list(_HEADS)), column_config=dict(_HEADS))
    st.caption(
        "Every row is priced several times, each time by a fit that had not seen it. The intervals also hold what "
        "other folds change and how little so few rows say of their own spread; differences are held for all pairs at "
        "once." + ("" if stands_alone else " What stands below rests on the few test rows of one split.")
    )
    return stands_alone


def of_origins(dataset: Dataset, compared: Sequence[Job]) -> None:
    """Errors from each rolling origin, and a form that lets the techniques of compared jobs learn before several
    days."""
    st.markdown("**Rolling origins**")
    done = actions.of_dataset(dataset.id, "origins")
    if done:
        _from_each(done)
    with st.expander("Learn before each of several days", icon=":material/event_repeat:", expanded=not done):
        st.caption(
            "Whether another day of the cut would say the same: each fit learns before a day and prices the next."
        )
        _offer(dataset, compared)


def _offer(dataset: Dataset, compared: Sequence[Job]) -> None:
    """What can learn anew, how often, and the button; what is at work already."""
    able, why_not = dict[str, BaseSpec](), []
    for job in compared:
        with suppress(UserError):  # stored by an earlier version, whose technique had other settings
            spec = specs.parse(job.spec)
            if why := actions.refusal(spec):
                why_not.append(f"{spec.label} can't learn anew here: {why}.")
            else:
                able[specs.describe(spec)] = spec
    for sentence in dict.fromkeys(why_not):
        st.caption(words.plain(sentence))
    if running := actions.at_work(dataset.id, "origins"):
        rest = formats.count(len(running), "technique is", "techniques are")
        st.info(f"{rest} at it now: the Jobs page says how far.", icon=":material/progress_activity:")
    if not able:
        return
    named = st.multiselect(
        "Techniques", list(able), list(able)[:2], key=f"origins-{dataset.id}", format_func=words.plain
    )
    count = st.number_input("Days", 2, MOST_ORIGINS, min(4, MOST_ORIGINS), key=f"origins-days-{dataset.id}")
    label = f"Go through {count} days"
    may = widgets.allowed(Verb.START_JOB, disabled=not named)
    if st.button(label, icon=":material/event_repeat:", key=f"origins-start-{dataset.id}", **may):
        with widgets.tell_errors():
            actions.from_origins(dataset.id, [able[name] for name in named], int(count))
            navigation.go(navigation.JOBS)


def _from_each(done: Sequence[Job]) -> None:
    report = tradeoffs_reads.origins({job.id: version(job) for job in done})
    for sentence in report.sentences:
        st.markdown(f":material/calendar_month: {words.plain(sentence)}")
    written = DECIDING[USUAL].written
    lines = [
        {
            "Technique": line["technique"],
            "Priced, dated": span(line["first"], line["last"]),
            "Learned from": line["learned"],
            "Rows": line["n"],
            DECIDING[USUAL].label: written(line["figure"]),
            "Interval": amounts.NOTHING
            if line["low"] is None
            else f"{written(line['low'])} to {written(line['high'])}",
        }
        for line in report.rows
    ]
    widgets.table(pl.DataFrame(lines))
