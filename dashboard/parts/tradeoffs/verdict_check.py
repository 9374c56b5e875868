"""How far the verdict above can be trusted: comparisons simulated on the reader's own predictions."""

from collections.abc import Sequence

import polars as pl
import streamlit as st

from dashboard.parts.jobs import cards
from dashboard.shared import formats, reads, widgets, words
from db.types import Dataset, Job, JobState, Verb
from worker.evaluation.measures import Measure
from worker.pricing import comparison
from worker.verdicts import actions

SECONDS = 1.0  # between two looks at a check


def show(dataset: Dataset, job_ids: Sequence[int], error: Measure, column: str) -> None:
    """The check of these jobs by this measure, weighted by a column ("": by none): what came of it, how far it is, or
    the button that starts it."""
    st.caption(
        "Your techniques' own errors change hands at random, so that all are equally good: then nobody may be called "
        "worse. And one of them is made worse on purpose: then it should be found."
    )
    job = _newest(dataset, job_ids, error, column)
    if job is None or job.state in (JobState.CANCELLED, JobState.FAILED):
        if job is not None and job.error:
            st.warning(words.plain(job.error), icon=":material/error:")
        may = widgets.allowed(Verb.START_JOB, disabled=len(job_ids) < 2)
        if st.button("Check the verdict", icon=":material/science:", **may):
            actions.start(dataset.id, job_ids, error.key, weighted=bool(column))
            st.rerun()
        st.caption("Takes seconds to minutes on a worker; you can go on meanwhile.")
        return
    widgets.fragment(_show, run_every=SECONDS if job.state is JobState.RUNNING else None)(job, job.state)


def _newest(dataset: Dataset, job_ids: Sequence[int], error: Measure, column: str) -> Job | None:
    def is_it(job: Job) -> bool:
        spec = job.spec
        asked = (sorted(spec["jobs"]), spec["measure"], spec["level"], spec.get("weighted_by", ""))
        return asked == (sorted(job_ids), error.key, comparison.level(), column)

    return next((job for job in actions.of_dataset(dataset.id) if is_it(job)), None)


def _show(job: Job, was: JobState) -> None:
    with widgets.tell_errors():
        progress = reads.progress([job.id])[job.id]
        if progress.state is not was:
            st.rerun()
        found = actions.report(job.id)
        if found is None:
            share = min(1.0, progress.items_done / max(1, progress.items_total))
            st.progress(share, text=f"{progress.items_done:,} of {progress.items_total:,} comparisons simulated")
            for label, icon, verb in cards.verbs(job, progress):
                may = widgets.allowed(widgets.JOB_VERBS[label], job)
                if st.button(label, icon=icon, key=f"check-{label.lower()}-{job.id}", **may):
                    verb(job.id)
                    st.rerun()
            widgets.worker_warning()
            return
        for sentence in actions.sentences(found, job.spec["level"]):
            st.markdown(words.md(sentence))
        widgets.table(
            pl.DataFrame(
                {
                    "Simulated": [
                        "All equal" if not each.worse else f"One is {each.worse:.0%} worse" for each in found.simulated
                    ],
                    "Called worse": [100 * each.share for each in found.simulated],
                    "±": [100 * each.error for each in found.simulated],
                    "Comparisons": [each.rounds for each in found.simulated],
                }
            ),
            column_config={
                "Called worse": st.column_config.NumberColumn(
                    format="%.1f %%", help="All equal: that any was called worse. Else: that the worse one was."
                ),
                "±": st.column_config.NumberColumn(format="%.1f", help="Standard error of the share."),
            },
        )
        rows = formats.count(found.rows, "test row")
        st.caption(f"Simulated with {rows} in {formats.count(found.groups, 'group')} of near-duplicates.")
