"""Name, note, archive and deletion of a job that is chosen; apart from the cards, which look again every second."""

from collections.abc import Sequence

import streamlit as st

from dashboard.shared import keeping, pickers, reads, widgets, words
from db.types import Job, Queue, Verb
from worker.datasets import dependents
from worker.jobs import actions

_VERBS = keeping.Verbs(actions.rename, actions.describe, actions.archive, actions.restore)


def show(jobs: Sequence[Job]) -> None:
    """The choice of a job and what can be done with it, behind a button."""
    known, names = {job.id: job for job in jobs}, reads.names(jobs)
    with st.popover("Name, archive, delete", icon=":material/edit:", key="keep-jobs", width="content"):
        labels = {job.id: f"{names[job.id]} · job {job.id}" for job in jobs}
        job = known[pickers.one("Job", labels, key="keep-job")]
        keeping.form("job", job.id, job.name, job.description, job.archived_at, _VERBS, _rights(job))
        if job.state.is_final:
            _delete(job, labels[job.id])


def _rights(job: Job) -> keeping.Rights:
    return keeping.rights(job, Verb.CHANGE_JOB, Verb.ARCHIVE_JOB, Verb.RESTORE_JOB)


def _delete(job: Job, label: str) -> None:
    depends = " ".join(dependents.told(actions.depending(job.id)))
    paid = "Stored answers of endpoints that no other job uses go too. " if job.queue is Queue.ENDPOINT else ""
    question = (
        f"Delete **{words.plain(label)}**: {words.plain(depends)} "
        f"{paid}This can't be undone; archiving hides it and keeps everything."
    )
    st.divider()
    st.markdown(question)
    is_sure = st.checkbox("Yes, delete it for good", key=f"sure-job-{job.id}")
    may = widgets.allowed(Verb.DELETE_JOB, job, disabled=not is_sure)
    if st.button("Delete it", icon=":material/delete:", key=f"delete-job-{job.id}", **may):
        actions.delete(job.id)
        st.rerun()
