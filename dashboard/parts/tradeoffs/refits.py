"""What learning anew on parts of the rows brought: cross-fits of a small table, rolling origins of a dated one."""

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.shared import widgets, words
from dashboard.shared.reads import comparable, version
from db.types import Dataset
from worker import amounts
from worker.evaluation.ageing import span
from worker.evaluation.measures import DECIDING, USUAL
from worker.refits import actions

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


def of_origins(dataset: Dataset) -> None:
    """Errors from each rolling origin, where somebody let techniques learn before several days."""
    done = actions.of_dataset(dataset.id, "origins")
    if not done:
        st.caption(
            "Whether another day of the cut would say the same: `pricewright ageing DATASET --technique ridge "
            "--origins 4` learns before each of four days and prices what follows."
        )
        return
    report = tradeoffs_reads.origins({job.id: version(job) for job in done})
    st.markdown("**Rolling origins**")
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
