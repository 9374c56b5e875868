"""What a user starts and watches: jobs, their chunks, the leases on them, and how far they are.

Why a job table beside a Celery queue: (1) a message can be lost or delivered twice, a row can't; (2) progress, cancel
and retry need a state that outlives the broker; (3) predictions and the state of their chunk must change in one
transaction. Celery only wakes workers up: a message names a chunk, and the lease taken here decides who works on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from db.errors import NotFound
from db.models import ChunkRow, JobRow, RateRow
from db.types import Chunk, Job, JobKind, JobState, Progress, Queue, Split, Step

MESSAGES_AHEAD = 4
"""Chunks of one job that may lie in the queue at once: enough to keep a worker fed, few enough that a second job does
not wait behind the whole of the first one."""


def _value(row: JobRow, usd_per_hour: Decimal) -> Job:
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        dataset_id=row.dataset_id,
        technique=row.technique,
        spec=row.spec,
        spec_hash=row.spec_hash,
        split=Split(row.split) if row.split else None,
        item_limit=row.item_limit,
        queue=Queue(row.queue),
        state=JobState(row.state),
        error=row.error,
        items_total=row.items_total,
        fixed_usd=row.fixed_usd,
        fixed_seconds=row.fixed_seconds,
        rate_usd_per_hour=usd_per_hour,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


_SELECT = select(JobRow, RateRow.usd).join(RateRow, RateRow.id == JobRow.rate_id)


def all(session: Session, dataset_id: int | None = None, kind: JobKind | None = None) -> list[Job]:  # noqa: A001
    """Newest first."""
    query = _SELECT.order_by(JobRow.id.desc())
    if dataset_id is not None:
        query = query.where(JobRow.dataset_id == dataset_id)
    if kind is not None:
        query = query.where(JobRow.kind == kind)
    return [_value(row, usd) for row, usd in session.execute(query)]


def get(session: Session, job_id: int) -> Job:
    found = session.execute(_SELECT.where(JobRow.id == job_id)).first()
    if found is None:
        raise NotFound(f"There is no job {job_id}; the Jobs page lists those there are.")
    return _value(*found)


def latest(session: Session, dataset_id: int, kind: JobKind) -> Job | None:
    found = session.execute(
        _SELECT.where(JobRow.dataset_id == dataset_id, JobRow.kind == kind).order_by(JobRow.id.desc()).limit(1)
    ).first()
    return _value(*found) if found else None


def same(session: Session, dataset_id: int, spec_hash: str, split: Split | None, limit: int | None) -> Job | None:
    """The newest job that prices the same rows with the same spec and was not given up."""
    found = session.execute(
        _SELECT.where(
            JobRow.dataset_id == dataset_id,
            JobRow.spec_hash == spec_hash,
            JobRow.split.is_not_distinct_from(split),
            JobRow.item_limit.is_not_distinct_from(limit),
            JobRow.state.not_in([JobState.CANCELLED, JobState.FAILED]),
        )
        .order_by(JobRow.id.desc())
        .limit(1)
    ).first()
    return _value(*found) if found else None


def create(
    session: Session,
    *,
    kind: JobKind,
    dataset_id: int,
    queue: Queue,
    rate_id: int,
    chunks: Sequence[tuple[Step, list[int]]],
    technique: str = "",
    spec: dict[str, Any] | None = None,
    spec_hash: str = "",
    split: Split | None = None,
    limit: int | None = None,
    items_total: int = 0,
) -> int:
    """A running job with its chunks, none of them sent yet."""
    job = JobRow(
        kind=kind,
        dataset_id=dataset_id,
        technique=technique,
        spec=spec or {},
        spec_hash=spec_hash,
        split=split,
        item_limit=limit,
        queue=queue,
        state=JobState.RUNNING,
        rate_id=rate_id,
        items_total=items_total,
    )
    session.add(job)
    session.flush()
    session.execute(
        insert(ChunkRow),
        [{"job_id": job.id, "step": step, "step_order": step.order, "rows": rows} for step, rows in chunks],
    )
    return job.id


# A chunk is ready when its job runs and every chunk of an earlier step is done.
_READY = """
    j.state = 'running' AND c.state = 'waiting' AND NOT EXISTS (
        SELECT 1 FROM chunks e WHERE e.job_id = c.job_id AND e.step_order < c.step_order AND e.state <> 'done')
"""


def to_send(session: Session, job_id: int) -> list[int]:
    """Ready chunks to name in messages now; marks them as sent. Tops the job up to MESSAGES_AHEAD in the queue."""
    return list(
        session.scalars(
            text(
                f"""UPDATE chunks SET sent_at = now() WHERE id IN (
                    SELECT c.id FROM chunks c JOIN jobs j ON j.id = c.job_id
                    WHERE c.job_id = :job AND c.sent_at IS NULL AND {_READY}
                    ORDER BY c.id
                    LIMIT greatest(0, :ahead - (SELECT count(*) FROM chunks s WHERE s.job_id = :job
                                                AND s.state = 'waiting' AND s.sent_at IS NOT NULL))
                    FOR UPDATE OF c SKIP LOCKED)
                RETURNING id"""
            ),
            {"job": job_id, "ahead": MESSAGES_AHEAD},
        )
    )


def claim(session: Session, chunk_id: int, owner: str, lease_seconds: int) -> Chunk | None:
    """Take the lease on a chunk. None when there is nothing to do: done, held by somebody alive, paused, not ready."""
    row = session.execute(
        text(
            f"""UPDATE chunks SET state = 'running', owner = :owner, attempt = attempt + 1, error = NULL,
                    lease_until = now() + make_interval(secs => :lease), started_at = coalesce(started_at, now())
                WHERE id = (SELECT c.id FROM chunks c JOIN jobs j ON j.id = c.job_id WHERE c.id = :chunk
                            AND {_READY} FOR UPDATE OF c SKIP LOCKED)
                RETURNING id, job_id, step, rows, attempt"""
        ),
        {"chunk": chunk_id, "owner": owner, "lease": lease_seconds},
    ).first()
    return Chunk(row.id, row.job_id, Step(row.step), list(row.rows), row.attempt) if row else None


def beat(session: Session, chunk: Chunk, lease_seconds: int, items_done: int) -> bool:
    """Extend the lease and say how far the chunk is. False when work should stop: lease lost or job not running.

    Without waiting for the disk: losing a heartbeat in a crash costs nothing.
    """
    session.execute(text("SET LOCAL synchronous_commit = off"))
    return (
        session.scalar(
            text(
                """UPDATE chunks SET lease_until = now() + make_interval(secs => :lease), items_done = :done
                WHERE id = :chunk AND attempt = :attempt AND state = 'running'
                RETURNING (SELECT j.state <> 'cancelled' FROM jobs j WHERE j.id = chunks.job_id)"""
            ),
            {"chunk": chunk.id, "attempt": chunk.attempt, "lease": lease_seconds, "done": items_done},
        )
        is True
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """What one run of a chunk adds to the job's books."""

    items: int = 0
    unparsed: int = 0
    failed: int = 0
    usd: Decimal = Decimal(0)
    seconds: float = 0.0


def finish(session: Session, chunk: Chunk, tally: Tally) -> bool:
    """Mark the chunk done under its fencing token and close the job after its last one.

    False when the lease was lost or the job cancelled: the caller must roll back, predictions included. The job's row
    is locked, so that of two chunks that end at the same moment one sees the other and closes the job.
    """
    state = session.scalar(text("SELECT state FROM jobs WHERE id = :job FOR UPDATE"), {"job": chunk.job_id})
    if state in (None, JobState.CANCELLED):
        return False
    held = session.execute(
        text(
            """UPDATE chunks SET state = 'done', lease_until = NULL, finished_at = now(), items_done = :items,
                   unparsed = :unparsed, failed = :failed, usd = :usd, seconds = :seconds
               WHERE id = :chunk AND attempt = :attempt AND state = 'running' RETURNING id"""
        ),
        {
            "chunk": chunk.id,
            "attempt": chunk.attempt,
            "items": tally.items,
            "unparsed": tally.unparsed,
            "failed": tally.failed,
            "usd": tally.usd,
            "seconds": tally.seconds,
        },
    ).first()
    if held is None:
        return False
    settle(session, chunk.job_id)
    return True


def settle(session: Session, job_id: int) -> None:
    """Close a job whose last chunk is done, or one that a chunk failed for good."""
    session.execute(
        text(
            """UPDATE jobs SET
                   state = CASE WHEN s.failed > 0 THEN 'failed' ELSE 'done' END,
                   error = coalesce(jobs.error, s.error), finished_at = now()
               FROM (SELECT count(*) FILTER (WHERE state = 'failed') AS failed,
                            count(*) FILTER (WHERE state IN ('waiting', 'running')) AS open,
                            max(error) FILTER (WHERE state = 'failed') AS error
                     FROM chunks WHERE job_id = :job) s
               WHERE jobs.id = :job AND jobs.state IN ('running', 'paused') AND (s.failed > 0 OR s.open = 0)"""
        ),
        {"job": job_id},
    )


def give_back(session: Session, chunk: Chunk) -> None:
    """Return a chunk unfinished and unblamed: the worker stops, or the job was cancelled."""
    session.execute(
        text(
            "UPDATE chunks SET state = 'waiting', lease_until = NULL, sent_at = NULL, items_done = 0 "
            "WHERE id = :chunk AND attempt = :attempt AND state = 'running'"
        ),
        {"chunk": chunk.id, "attempt": chunk.attempt},
    )


def fail(session: Session, chunk: Chunk, error: str, *, attempts: int) -> None:
    """Book a failed try: the chunk waits again, or after `attempts` tries fails for good and its job with it."""
    session.execute(text("SELECT 1 FROM jobs WHERE id = :job FOR UPDATE"), {"job": chunk.job_id})
    session.execute(
        text(
            """UPDATE chunks SET failures = failures + 1, error = :error, lease_until = NULL, sent_at = NULL,
                   items_done = 0, state = CASE WHEN failures + 1 >= :attempts THEN 'failed' ELSE 'waiting' END
               WHERE id = :chunk AND attempt = :attempt AND state = 'running'"""
        ),
        {"chunk": chunk.id, "attempt": chunk.attempt, "error": error, "attempts": attempts},
    )
    settle(session, chunk.job_id)


def book_fixed_cost(session: Session, job_id: int, seconds: float, usd: Decimal) -> None:
    session.execute(
        text("UPDATE jobs SET fixed_seconds = :seconds, fixed_usd = :usd WHERE id = :job"),
        {"job": job_id, "seconds": seconds, "usd": usd},
    )


def set_total(session: Session, job_id: int, items_total: int) -> None:
    session.execute(text("UPDATE jobs SET items_total = :total WHERE id = :job"), {"job": job_id, "total": items_total})


def set_state(session: Session, job_id: int, to: JobState, *, among: Sequence[JobState]) -> bool:
    """Change the state if it is one of `among`; False otherwise. Leaving `running` forgets what was sent."""
    changed = session.execute(
        text(
            """UPDATE jobs SET state = :to, error = CASE WHEN :to = 'running' THEN NULL ELSE error END,
                   finished_at = CASE WHEN :to = 'cancelled' THEN now() END
               WHERE id = :job AND state = ANY(:among) RETURNING id"""
        ),
        {"job": job_id, "to": to, "among": list(among)},
    ).first()
    if changed:
        session.execute(
            text("UPDATE chunks SET sent_at = NULL WHERE job_id = :job AND state = 'waiting'"), {"job": job_id}
        )
    return changed is not None


def reopen_failed(session: Session, job_id: int) -> int:
    """Prepare a retry of just what failed; returns the number of chunks that will run.

    Chunks that failed for good wait again. Predictions with status `failed` are deleted and their rows move to a new
    chunk, so that nothing that succeeded (and was paid for) is done twice. The evaluation is done anew.
    """
    failed_chunks = session.execute(
        text(
            "UPDATE chunks SET state = 'waiting', failures = 0, sent_at = NULL "
            "WHERE job_id = :job AND state = 'failed' RETURNING id"
        ),
        {"job": job_id},
    ).all()
    rows = list(
        session.scalars(
            text("DELETE FROM predictions WHERE job_id = :job AND status = 'failed' RETURNING row"), {"job": job_id}
        )
    )
    if rows:
        session.execute(
            text(
                """UPDATE chunks SET failed = 0, items_done = items_done - failed,
                       rows = ARRAY(SELECT unnest(rows) EXCEPT SELECT unnest(:rows ::bigint[]))
                   WHERE job_id = :job AND step = 'price' AND failed > 0"""
            ),
            {"job": job_id, "rows": rows},
        )
        session.execute(
            insert(ChunkRow),
            [{"job_id": job_id, "step": Step.PRICE, "step_order": Step.PRICE.order, "rows": rows}],
        )
    reopened = len(failed_chunks) + (1 if rows else 0)
    if reopened:
        session.execute(
            text(
                "UPDATE chunks SET state = 'waiting', sent_at = NULL, finished_at = NULL "
                "WHERE job_id = :job AND step = 'evaluate'"
            ),
            {"job": job_id},
        )
    return reopened


def sweep(session: Session, *, attempts: int, quiet_seconds: int, idle_queues: Sequence[str]) -> list[int]:
    """Repair what crashes leave behind; returns the jobs that have chunks to send.

    A running chunk whose lease ran out waits again (or fails after `attempts` tries). On a queue that is empty, a
    waiting chunk whose message is older than `quiet_seconds` was lost with the broker or a worker: it is sent again.
    """
    session.execute(
        text(
            """UPDATE chunks SET failures = failures + 1, lease_until = NULL, sent_at = NULL, items_done = 0,
                   state = CASE WHEN failures + 1 >= :attempts THEN 'failed' ELSE 'waiting' END,
                   error = 'The worker died ' || (failures + 1) || ' times while it worked on this part of the job.'
               WHERE id IN (SELECT id FROM chunks WHERE state = 'running' AND lease_until < now()
                            FOR UPDATE SKIP LOCKED)"""
        ),
        {"attempts": attempts},
    )
    session.execute(
        text(
            """UPDATE chunks c SET sent_at = NULL FROM jobs j
               WHERE j.id = c.job_id AND j.state = 'running' AND j.queue = ANY(:queues) AND c.state = 'waiting'
                 AND c.sent_at < now() - make_interval(secs => :quiet)"""
        ),
        {"queues": list(idle_queues), "quiet": quiet_seconds},
    )
    for job_id in session.scalars(
        text(
            """SELECT j.id FROM jobs j WHERE j.state = 'running' AND (
                   NOT EXISTS (SELECT 1 FROM chunks c WHERE c.job_id = j.id AND c.state IN ('waiting', 'running'))
                   OR EXISTS (SELECT 1 FROM chunks c WHERE c.job_id = j.id AND c.state = 'failed'))"""
        )
    ).all():
        settle(session, job_id)
    return list(
        session.scalars(
            text(
                f"""SELECT DISTINCT j.id FROM chunks c JOIN jobs j ON j.id = c.job_id
                    WHERE c.sent_at IS NULL AND {_READY}
                    ORDER BY j.id"""
            )
        )
    )


_WINDOW_SECONDS = 60

_PROGRESS = f"""
SELECT j.id, j.state, j.items_total, j.error, j.fixed_usd,
       coalesce(sum(c.items_done) FILTER (WHERE c.step IN ('load', 'price')), 0) AS done,
       coalesce(sum(c.unparsed), 0) AS unparsed, coalesce(sum(c.failed), 0) AS failed,
       coalesce(sum(c.usd) FILTER (WHERE c.step = 'price'), 0) AS usd,
       count(c.id) AS chunks_total, count(c.id) FILTER (WHERE c.state = 'done') AS chunks_done,
       (array_agg(c.step ORDER BY c.step_order) FILTER (WHERE c.state IN ('waiting', 'running')))[1] AS step,
       sum(c.items_done) FILTER (WHERE c.step IN ('load', 'price')
           AND (c.state = 'running' OR c.finished_at > now() - interval '{_WINDOW_SECONDS} seconds')) AS recent,
       extract(epoch FROM coalesce(j.finished_at, now()) - greatest(
           min(c.started_at) FILTER (WHERE c.step IN ('load', 'price')
               AND (c.state = 'running' OR c.finished_at > now() - interval '{_WINDOW_SECONDS} seconds')),
           now() - interval '{_WINDOW_SECONDS} seconds')) AS span,
       extract(epoch FROM max(c.finished_at) FILTER (WHERE c.step = 'price')
           - min(c.started_at) FILTER (WHERE c.step = 'price')) AS priced_in
FROM jobs j LEFT JOIN chunks c ON c.job_id = j.id
WHERE j.id = ANY(:ids) GROUP BY j.id ORDER BY j.id DESC
"""


def progress(session: Session, job_ids: Sequence[int]) -> list[Progress]:
    """How far each job is, newest first. Reads one row per chunk, none per item."""
    return [_progress(row) for row in session.execute(text(_PROGRESS), {"ids": list(job_ids)})]


def _progress(row: Any) -> Progress:
    state = JobState(row.state)
    done = int(row.done)
    if state.is_final:
        speed = done / float(row.priced_in) if row.priced_in else None
    else:
        speed = float(row.recent) / float(row.span) if row.recent and row.span else None
    left = max(0, row.items_total - done)
    return Progress(
        job_id=row.id,
        state=state,
        step=None if state.is_final or row.step is None else Step(row.step),
        items_total=row.items_total,
        items_done=done,
        unparsed=int(row.unparsed),
        failed=int(row.failed),
        usd=row.usd + row.fixed_usd,
        rows_per_second=speed,
        eta_seconds=left / speed if speed and state is JobState.RUNNING else None,
        chunks_total=row.chunks_total,
        chunks_done=row.chunks_done,
        error=row.error,
    )


def measured_seconds(session: Session, technique: str, spec_hash: str | None = None) -> tuple[float, float] | None:
    """(seconds per item, seconds to fit) measured over the last finished jobs of a technique, or of one exact spec."""
    row = session.execute(
        text(
            """SELECT sum(c.seconds) / nullif(sum(c.items_done), 0) AS per_item, avg(j.fixed_seconds) AS fit
               FROM (SELECT * FROM jobs WHERE technique = :technique AND state = 'done'
                     AND (:spec ::text IS NULL OR spec_hash = :spec) ORDER BY id DESC LIMIT 5) j
               JOIN chunks c ON c.job_id = j.id AND c.step = 'price'"""
        ),
        {"technique": technique, "spec": spec_hash},
    ).first()
    return (float(row.per_item), float(row.fit)) if row and row.per_item is not None else None
