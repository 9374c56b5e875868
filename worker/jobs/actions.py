"""Every verb about jobs, for pages and the command line alike: pause, cancel, retry, rename, archive, delete …"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from db import access, chunks, completions, dependents, jobs, limits, pricers, races, recovery, visibility
from db.dependents import Dependent
from db.engine import Session, begin
from db.errors import UserError, WrongState
from db.types import Job, JobState, Verb
from worker.app import send_ready
from worker.datasets import actions as dataset_actions
from worker.datasets.dependents import kept_by


@contextmanager
def _changing(
    job_id: int, to: JobState, among: Sequence[JobState], verb: Verb, done: str, usd: Decimal | None = None
) -> Iterator[Session]:
    """What is done to a race is done to the jobs that it drives."""
    with begin() as session:
        job = jobs.get(session, job_id)
        access.act(session, verb, job, usd=usd, kind=job.kind, spent_usd=job.spent_usd)
        if to is JobState.RUNNING and job.race_id is None:
            limits.check_running(session)
        if not jobs.set_state(session, job_id, to, among=among):
            raise WrongState(f"Job {job_id} can't be {done}: it is {job.state}.")
        yield session
        send_ready(session, job_id, job.queue)
        for other in races.driven(session, job_id):
            # One that its cap paused goes on when the race has shared out its money anew; one that the race stopped,
            # or that is done, is over.
            is_capped = to is JobState.RUNNING and other.state is JobState.PAUSED and other.error is not None
            left = [state for state in among if state in _CASCADES]
            if not is_capped and jobs.set_state(session, other.id, to, among=left):
                send_ready(session, other.id, other.queue)


_CASCADES = (JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED)


def pause(job_id: int) -> None:
    """Hand out no more chunks; those at work finish."""
    with _changing(job_id, JobState.PAUSED, [JobState.RUNNING], Verb.PAUSE_JOB, "paused"):
        pass


def resume(job_id: int, cap_usd: Decimal | None = None) -> None:
    """Go on with a paused job, with another cap if one is given."""
    with _changing(job_id, JobState.RUNNING, [JobState.PAUSED], Verb.RESUME_JOB, "resumed", cap_usd) as session:
        if cap_usd is not None:
            access.allowed_cap(cap_usd)
            job = jobs.get(session, job_id)
            if cap_usd <= job.spent_usd:
                raise UserError(f"Job {job_id} has spent ${job.spent_usd:,.4f} already; the cap must be higher.")
            jobs.set_cap(session, job_id, cap_usd)


def cancel(job_id: int) -> None:
    """Stop for good; what is priced already is kept, work at hand is dropped within a second or two."""
    among = [JobState.RUNNING, JobState.PAUSED]
    with _changing(job_id, JobState.CANCELLED, among, Verb.CANCEL_JOB, "cancelled") as session:
        dataset_actions.job_cancelled(session, jobs.get(session, job_id))


def retry(job_id: int) -> int:
    """Run again just what failed, was cancelled or stopped early; returns how many chunks that is."""
    among = [JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.STOPPED]
    with _changing(job_id, JobState.RUNNING, among, Verb.RETRY_JOB, "retried") as session:
        races.release_all(session, job_id)  # whoever wants the rest of a job that a race stopped wants all of it
        job = jobs.get(session, job_id)
        reopened = recovery.reopen_failed(session, job_id) or chunks.unfinished(session, job_id)
        if not reopened:
            raise UserError(f"Nothing in job {job_id} failed, so there is nothing to run again.")
        dataset_actions.job_retried(session, job)
        return reopened


def rename(job_id: int, name: str) -> None:
    """Give a job a name; "" = it is called by what it does."""
    _change(job_id, Verb.CHANGE_JOB, name=name.strip())


def describe(job_id: int, description: str) -> None:
    """Keep a note with a job, in place of the one before; "" = none."""
    _change(job_id, Verb.CHANGE_JOB, description=description.strip())


def archive(job_id: int) -> None:
    """Offer a job that is over no more, unless somebody asks for what is archived; what it priced is kept."""
    with begin() as session:
        access.act(session, Verb.ARCHIVE_JOB, _over(session, job_id, "archived"))
        jobs.change(session, job_id, archived_at=datetime.now(UTC))


def restore(job_id: int) -> None:
    """Offer an archived job again."""
    _change(job_id, Verb.RESTORE_JOB, archived_at=None)


def _change(job_id: int, verb: Verb, **values: Any) -> None:
    with begin() as session:
        access.act(session, verb, jobs.get(session, job_id), **values)
        jobs.change(session, job_id, **values)


def _over(session: Session, job_id: int, verb: str) -> Job:
    job = jobs.get(session, job_id)
    if not job.state.is_final:
        raise WrongState(f"Job {job_id} can't be {verb}: it is {job.state}; cancel it first, or wait for its end.")
    return job


def depending(job_id: int) -> list[Dependent]:
    """What depends on a job, to be told before it is deleted."""
    with begin() as session:
        jobs.get(session, job_id)
        return dependents.of_job(session, job_id)


def delete(job_id: int) -> None:
    """Delete a job that is over, with its predictions and with what endpoints were asked and answered for it alone;
    what it cost stays in the totals of the endpoints. Raises WrongState for one at work, for the reading of a file,
    and for one whose error a pricer promises.
    """
    with begin() as session:
        job = _over(session, job_id, "deleted")
        access.act(session, Verb.DELETE_JOB, job, kind=job.kind, spent_usd=job.spent_usd)
        visibility.see_all(session)
        if job.kind.reads_file:
            raise WrongState(f"Job {job_id} made dataset {job.dataset_id}; it goes when that is deleted.")
        if resting := pricers.resting_on_job(session, job_id):
            raise WrongState(kept_by(f"Job {job_id}", resting))
        completions.forget(session, [job_id])
        jobs.drop(session, job_id)
        dataset_actions.drop_files(session, *dataset_actions.files_of([job]))
    dataset_actions.forget_files([job_id])
