"""Changes that a person makes to a knowledge base on the page, and what came of them."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.knowledge import reads as knowledge_reads
from dashboard.shared import formats, pickers, reads, widgets, words
from db.types import Dataset, DatasetState, Job, Split, Verb
from worker.datasets.answers import Sign
from worker.files import formats as file_formats
from worker.knowledge import actions

RECENT = 8
"""Jobs whose outcome is listed."""

_COUNTS = ("Added", "Updated", "Unchanged", "Removed", "Refused", "To embed")


def changes(dataset: Dataset) -> None:
    """Upload changes, remove ids, add a reference dataset; below, what came of it."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**By a file with ids**")
        st.caption(
            "One row per item, with a column of ids. Columns that are missing and empty cells leave an item as it is; "
            "a true value in a column called delete removes it; a column called date says from when the price is."
        )
        file = st.file_uploader(
            "Changes", type=file_formats.UPLOADED, label_visibility="collapsed",
            key=f"changes-{dataset.id}-{st.session_state.get('changes', 0)}",
        )  # fmt: skip
        removes = st.toggle("Remove all ids in this file", key=f"removes-{dataset.id}")
        sign = st.selectbox(
            "Decimal sign of its prices", [None, *Sign], format_func=lambda sign: words.SIGNS[sign],
            key=f"changes-sign-{dataset.id}", help="It matters for prices like 1.234, which can be read in two ways.",
        )  # fmt: skip
        may = widgets.allowed(Verb.CHANGE_KNOWLEDGE, dataset, disabled=file is None)
        if st.button("Apply the file", icon=":material/upload_file:", **may) and file is not None:
            actions.update(dataset.id, file.name, file, removes=removes, sign=sign)
            st.session_state["changes"] = st.session_state.get("changes", 0) + 1
            st.rerun()
    with right:
        st.markdown("**By hand**")
        with st.form(f"remove-{dataset.id}", border=False, clear_on_submit=True):
            typed = st.text_input("Ids to remove, separated by commas", placeholder="B00123, row:17")
            if st.form_submit_button(
                "Remove", icon=":material/delete:", **widgets.allowed(Verb.CHANGE_KNOWLEDGE, dataset)
            ):
                removed = actions.remove(dataset.id, [key.strip() for key in typed.split(",") if key.strip()])
                st.toast(f"{formats.count(removed, 'item')} removed: no search finds them any more.")
        others = [
            each
            for each in reads.datasets()
            if each.id != dataset.id and each.state is DatasetState.READY and each.splits.get(Split.TRAIN)
        ]
        if others:
            with st.form(f"reference-{dataset.id}", border=False):
                chosen = pickers.one(
                    "Add another dataset as reference", {each.id: words.dataset_name(each) for each in others},
                    made={each.id: each.created_at for each in others}, key=f"reference-of-{dataset.id}",
                    help="All its priced items, except what matches this dataset's test or validation side.",
                )  # fmt: skip
                may = widgets.allowed(Verb.CHANGE_KNOWLEDGE, dataset)
                if st.form_submit_button("Add its items", icon=":material/library_add:", **may):
                    actions.add_reference(dataset.id, chosen)
                    st.rerun()
    outcomes(dataset)


def outcomes(dataset: Dataset) -> None:
    """What the latest index jobs did, and why lines were refused."""
    results = knowledge_reads.outcomes(knowledge_reads.index_jobs(dataset.id)[:RECENT])
    if not results:
        return
    st.markdown("**What came of it**")
    numbers = {name: st.column_config.NumberColumn(format="localized") for name in _COUNTS}
    widgets.table(pl.DataFrame([_line(job, result) for job, result in results]), column_config=numbers)
    refused = {reason: n for reason, n in results[0][1].get("refused", {}).items() if n}
    if refused:
        reasons = " ".join(
            f"- {words.plain(reason)}: {formats.count(number, 'line')}\n" for reason, number in refused.items()
        )
        st.warning(f"Refused by job {results[0][0].id}:\n{reasons}", icon=":material/block:")


def _line(job: Job, result: dict[str, Any]) -> dict[str, Any]:
    name = words.index_purpose(job)
    return {
        "Job": job.id,
        "What": name[:1].upper() + name[1:],
        "State": words.STATES[job.state][0],
        "Added": result["added"],
        "Updated": result["updated"],
        "Unchanged": result["unchanged"],
        "Removed": result["removed"],
        "Refused": sum(result["refused"].values()),
        "To embed": result["to_embed"],
        "Took": formats.duration(job.fixed_seconds),
        "Cost": formats.usd(job.fixed_usd),
    }
