"""What is kept of a tuning behind an endpoint, so that whoever comes next goes on with it; and whether it is wanted."""

import logging
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from db import endpoints, jobs, trainings
from db.engine import Session, begin
from db.errors import NotFound, UserError
from db.types import Checkpoint, Job, JobKind, JobState, Queue
from worker.endpoints import tuning
from worker.endpoints.tuning import Event, TuningFailure
from worker.finetune.endpoint import curve
from worker.specs import finetune
from worker.work import Writing

log = logging.getLogger(__name__)

STUCK_SECONDS = 120.0  # whoever takes longer than this to create a tuning has died
_PART = "remote.json"


class Remote(BaseModel):
    """What the endpoint has of ours so far."""

    token: str  # goes along with the order, which is found by it again
    training_file: str = ""
    validation_file: str = ""
    train_rows: int = 0
    fingerprint: str = ""
    asked: float | None = (
        None  # when somebody went to create it (seconds since the epoch); None: it is surely not there
    )
    remote_id: str = ""
    last_event: str = ""
    is_booked: bool = False  # what the training cost counts under the job's cap already

    @property
    def wait_seconds(self) -> float:
        """How long somebody may still be waiting for the answer to an order whose id is not known."""
        return 0.0 if self.asked is None else max(0.0, STUCK_SECONDS - (time.time() - self.asked))


def load(session: Session, job_id: int) -> Remote | None:
    kept = trainings.checkpoint(session, job_id)
    return Remote.model_validate_json(kept.parts[_PART]) if kept and _PART in kept.parts else None


def save(session: Session, job_id: int, remote: Remote) -> None:
    trainings.save_checkpoint(session, job_id, Checkpoint(0, {_PART: remote.model_dump_json().encode()}))


class Ledger:
    """The books of one tuning: every entry stands only if the chunk is still ours, else Cancelled is raised."""

    def __init__(self, job_id: int, remote: Remote, writing: Writing) -> None:
        self.remote = remote
        self._job_id, self._writing = job_id, writing

    def keep(self, **changes: Any) -> None:
        """Fields of Remote. Where the chunk is not ours any more, an order that is out is found by its token later.

        What the endpoint has of a cancelled job is kept, so that it can be cancelled there.
        """
        self.remote = self.remote.model_copy(update=changes)
        with self._writing(even_cancelled="remote_id" in changes) as session:
            save(session, self._job_id, self.remote)

    def note(self, events: list[Event]) -> None:
        """Draw the curve on."""
        if not events:
            return
        with self._writing() as session:
            before = trainings.points(session, self._job_id)
            trainings.note(session, self._job_id, curve.points(events, before))
        self.keep(last_event=events[-1].id)

    def remark(self, sentence: str) -> None:
        """Why nothing happens, once, among what the endpoint tells."""
        with self._writing() as session:
            before = trainings.points(session, self._job_id)
            if not any(point.values.get("text", "").endswith(sentence) for point in before):
                event = Event("", datetime.now(UTC), sentence)
                trainings.note(session, self._job_id, curve.points([event], before))

    def book(self, usd: Decimal) -> None:
        """Count what training cost under the job's cap, once, before anything else is paid."""
        with self._writing() as session:
            kept = load(session, self._job_id)
            if kept is not None and not kept.is_booked:
                self.remote = kept.model_copy(update={"is_booked": True})
                jobs.spend(session, self._job_id, usd)
                save(session, self._job_id, self.remote)

    def forget(self) -> None:
        """A retry begins anew."""
        with self._writing() as session:
            trainings.drop_checkpoint(session, self._job_id)


def cancel_unwanted() -> int:
    """Cancel at their endpoints the tunings of jobs that were cancelled here; returns how many could not be.

    A job that waits for its endpoint is in nobody's hands when it is cancelled. Harmless at any time, by anybody.
    """
    with begin() as session:
        cancelled = [
            job
            for job in jobs.all(session, kind=JobKind.FINETUNE)
            if job.state is JobState.CANCELLED and job.queue is Queue.ENDPOINT
        ]
        out = [(job, remote) for job in cancelled if (remote := load(session, job.id))]
    left = 0
    for job, remote in out:
        try:
            is_over = _cancel(job, remote)
        except UserError as error:
            log.warning("The tuning of job %d could not be cancelled: %s", job.id, error)
            # Its endpoint was removed, or knows nothing of it.
            is_over = isinstance(error, NotFound) or (isinstance(error, TuningFailure) and error.failure.status == 404)
        if is_over:
            with begin() as session:
                trainings.drop_checkpoint(session, job.id)
        left += not is_over
    return left


def _cancel(job: Job, remote: Remote) -> bool:
    """False: too early to say whether there is one."""
    if not remote.remote_id and remote.wait_seconds:
        return False
    with begin() as session:
        name = finetune.parse(job.spec["train"]).model.partition(":")[0]
        tuner = tuning.tuner(endpoints.get(session, name))
    remote_id = remote.remote_id or (tuner.find(remote.token) if remote.asked is not None else None)
    if remote_id:
        tuner.cancel(remote_id)
    return True
