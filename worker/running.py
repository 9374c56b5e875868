"""Gets a chunk done: takes the lease, does its step, commits result and state together, wakes the next ones."""

import logging
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from kombu.exceptions import OperationalError as BrokerAway

from db import chunks, completions, health, jobs, limits, races, recovery, turns
from db.engine import DatabaseAway, Session, after_commit, begin
from db.errors import NotFound, UserError
from db.settings import settings
from db.types import Chunk, Job, Queue
from worker import amounts, children
from worker.app import queue_lengths, send, send_ready
from worker.datasets import money
from worker.health import pulse
from worker.lifecycle import limited
from worker.progress import Cancelled, Defer, Pause, Trouble
from worker.steps import STEPS
from worker.telemetry import logs, metrics, tracing
from worker.work import Work

log = logging.getLogger(__name__)

QUIET_SECONDS = 10
"""A message older than this, on an empty queue, with its chunk still waiting, was lost."""


_FILE_TOO_LARGE = (
    "Reading this file takes more memory than there is for it (PRICEWRIGHT_INTERACTIVE_MEMORY_GB); save the table as a "
    "plain CSV, or in parts, and upload that."
)
_WORK_TOO_LARGE = "This takes more memory than there is; choose fewer rows or a smaller model."


class Lease:
    """Keeps a chunk ours while we work: a thread extends the lease, writes progress and learns of a cancel."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self.job_id: int | None = chunk.job_id
        self.chunk_id: int | None = chunk.id
        self.troubles = Trouble()
        self._done = 0
        self._lost = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{chunk.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def advance(self, n: int = 1) -> None:
        """n more items are done. Raises Cancelled when the job was cancelled or the lease went to somebody else."""
        self._done += n
        if self._lost:
            raise Cancelled

    def reserve(self, usd: Decimal) -> None:
        """Set money aside under the job's cap. Raises Pause if the cap would be passed, Cancelled for a deleted job."""
        try:
            with begin() as session:
                if chunks.reserve(session, self._chunk, usd):
                    return
                job = jobs.get(session, self._chunk.job_id)
                month = limits.month_sentence(session, job, self._chunk.id, usd)
        except NotFound as error:
            raise Cancelled from error  # the dataset was deleted with its jobs
        if month:
            raise Pause(month)
        cap = job.cap_usd or Decimal(0)
        shown = f"{cap:,.2f}" if cap == round(cap, 2) else f"{cap:,.6f}"
        lost = f" (${job.lost_usd:,.4f} of it lost with calls that brought no answer)" if job.lost_usd else ""
        raise Pause(
            f"The cap of ${shown} is reached: ${job.spent_usd:,.4f} are spent{lost}, the next calls may cost "
            f"${usd:,.4f}, and calls under way count as what they may cost; resume with a higher cap to go on."
        )

    def trouble(self, what: Trouble) -> None:
        self.troubles += what

    def _keep(self) -> None:
        while not self._stop.wait(min(1.0, settings().lease_seconds / 4)):
            try:
                with begin() as session:
                    self._lost = not chunks.beat(session, self._chunk, settings().lease_seconds, self._done)
            except DatabaseAway:
                # Work goes on: if the database is back before the lease runs out nothing is lost,
                # and if not, the commit is refused by the fencing token.
                log.warning("The database is away; chunk %s is kept in the hope that it returns.", self._chunk.id)


def run_chunk(sent_for: int) -> None:
    """What one message is worth: the chunk whose turn it is on the queue of the one that it was sent for, if any is.

    A message delivered twice, at once or one after the other, changes nothing: the lease decides who may commit.
    """
    with begin() as session:
        chunk_id = turns.first(session, sent_for)
        claimed = _claim(session, chunk_id) if chunk_id is not None else None
    if claimed:
        _run(*claimed)


def _claim(session: Session, chunk_id: int) -> tuple[Job, Chunk] | None:
    """The chunk with its job, ours from now on; None if it is done, held by somebody else, paused or not ready."""
    chunk = chunks.claim(session, chunk_id, children.owner(), settings().lease_seconds)
    return (jobs.get(session, chunk.job_id), chunk) if chunk else None


def _run(job: Job, chunk: Chunk) -> None:
    who = {"person": job.owner} if job.owner else {}
    with logs.about(job=job.id, chunk=chunk.id, **who), tracing.chunk(job.id, chunk.id, chunk.step):
        _work_on(job, chunk)
    if tracing.is_on():
        _trace_end(job.id)


def _trace_end(job_id: int) -> None:
    """The span of a job that this chunk brought to its end."""
    try:
        with begin() as session:
            job = jobs.get(session, job_id)
    except (DatabaseAway, NotFound):
        return
    if job.finished_at is not None:
        tracing.job(job.id, job.kind, job.state, job.created_at, job.finished_at)


def _work_on(job: Job, chunk: Chunk) -> None:
    lease = Lease(chunk)
    try:
        with _scratch(job.id) as scratch, lease, _priced_as(job), _in_time(job, chunk):
            commit = STEPS[chunk.step](Work(job, chunk, lease, scratch))
            with begin() as session:
                tally = commit(session)
                if not chunks.finish(session, chunk, replace(tally, **asdict(lease.troubles))):
                    raise Cancelled
                after_commit(session, lambda: wake(job.id, job.queue))
    except Cancelled:
        _give_back(chunk, lease.troubles)
    except Defer as later:
        _give_back(chunk, lease.troubles, after_seconds=later.seconds)
        wake(job.id, job.queue)  # other chunks need not wait
    except Pause as reason:
        with begin() as session:
            jobs.pause(session, job.id, str(reason))
        _give_back(chunk, lease.troubles)
    except DatabaseAway:
        # Nothing can be written now.
        log.exception("The database went away during chunk %s of job %s.", chunk.id, job.id)
        _let_go()
    except MemoryError:
        log.exception("Chunk %s of job %s ran out of memory.", chunk.id, job.id)
        is_file = job.kind.reads_file or "changes" in job.spec
        _fail(job, chunk, _FILE_TOO_LARGE if is_file else _WORK_TOO_LARGE, attempts=1)
    except UserError as error:
        _fail(job, chunk, str(error), attempts=1)  # trying again would end the same way
    except Exception as error:
        log.exception("Chunk %s of job %s failed.", chunk.id, job.id)
        sentence = (
            f"Something went wrong on our side in the {chunk.step} step ({type(error).__name__}); "
            "the worker's log has the details, and Retry runs it again."
        )
        _fail(job, chunk, sentence, attempts=settings().chunk_attempts)
    else:
        _close(job.id)


def _in_time(job: Job, chunk: Chunk) -> AbstractContextManager[None]:
    """What somebody waits for may not hold the queue for everybody else."""
    if job.queue is not Queue.INTERACTIVE:
        return nullcontext()
    minutes = settings().interactive_minutes
    sentence = (
        f"This took more than {minutes:g} minutes and was given up (PRICEWRIGHT_INTERACTIVE_MINUTES); save the table "
        "as a plain CSV, or in parts, and upload that."
    )
    return limited(60 * minutes, partial(_fail, job, chunk, sentence, attempts=1))


def _let_go() -> None:
    """End the lease of this process as soon as the database is back, so that the sweeper hands the chunk out again: not
    only when the lease runs out, which also ends the waiting."""
    until = time.monotonic() + settings().lease_seconds
    while time.monotonic() < until:
        try:
            with begin() as session:
                return recovery.release(session, [children.owner()])
        except DatabaseAway:
            time.sleep(0.5)
    return None


def _priced_as(job: Job) -> AbstractContextManager[None]:
    """Sentences that a step makes write prices in the currency of the prices that the job says."""
    with begin() as session:
        return amounts.written_in(money.of_job(session, job))


def _close(job_id: int) -> None:
    """Who did a job's last chunk also measures it, whatever else waits: that takes a second, and then a result is
    there."""
    with begin() as session:
        chunk_id = chunks.closing(session, job_id)
        claimed = _claim(session, chunk_id) if chunk_id is not None else None
    if claimed:
        _run(*claimed)


def _give_back(chunk: Chunk, troubles: Trouble, after_seconds: float = 0) -> None:
    with begin() as session:
        chunks.book_trouble(session, chunk, **asdict(troubles))
        chunks.give_back(session, chunk, after_seconds)


@contextmanager
def _scratch(job_id: int) -> Iterator[Path]:
    """A folder beside the data, not in /tmp, which is often small or in memory; gone when the chunk ends."""
    parent = settings().scratch_dir
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"job-{job_id}-") as folder:
        yield Path(folder)


def _fail(job: Job, chunk: Chunk, sentence: str, *, attempts: int) -> None:
    with begin() as session:
        chunks.fail(session, chunk, sentence, attempts=attempts)
        after_commit(session, lambda: wake(job.id, job.queue))


def wake(job_id: int, queue: Queue) -> None:
    """Send messages for the ready chunks of a job, and of the race that waits for it; commits before sending."""
    with begin() as session:
        race = races.wake(session, job_id)
        if race is not None:
            send_ready(session, *race)
        chunk_ids = chunks.to_send(session, job_id)
        for chunk_id in chunk_ids:
            after_commit(session, partial(send, chunk_id, queue))


def sweep() -> None:
    """Put right what crashes of workers, broker or database left behind. Harmless at any time, by anybody."""
    try:
        idle = [queue for queue, length in queue_lengths().items() if length == 0]
    except (BrokerAway, OSError):
        idle = []
    with begin() as session:
        completions.bury(session)
    with begin() as session:
        metrics.LEASES_REAPED.inc(health.silent_chunks(session))
        job_ids = recovery.sweep(
            session, attempts=settings().chunk_attempts, quiet_seconds=QUIET_SECONDS, idle_queues=idle
        )
        queues = {job_id: jobs.get(session, job_id).queue for job_id in job_ids}
    for job_id, queue in queues.items():
        wake(job_id, queue)
    pulse.beat(pulse.SWEEP)
