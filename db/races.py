"""Races: which jobs one drives, which of their rows it has released, and when it is to look again.

A race's own chunk waits, deferred, while the jobs price a block; whoever ends the last of their chunks wakes it.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from db import jobs
from db.types import Job, JobState, Queue


def driven(session: Session, race_id: int) -> list[Job]:
    """The jobs that a race drives; none of them for a job of another kind."""
    query = text("SELECT id FROM jobs WHERE race_id = :race ORDER BY id")
    return [jobs.get(session, job_id) for job_id in session.scalars(query, {"race": race_id}).all()]


def release(session: Session, job_id: int, rows: Sequence[int]) -> None:
    """Let a job price these rows; those that it may price already stay so."""
    session.execute(
        text(
            "UPDATE chunks SET is_released = true WHERE job_id = :job AND NOT is_released AND rows && :rows ::bigint[]"
        ),
        {"job": job_id, "rows": list(rows)},
    )


def release_all(session: Session, job_id: int) -> None:
    """Let a job price all of its rows, whatever its race says."""
    session.execute(text("UPDATE chunks SET is_released = true WHERE job_id = :job"), {"job": job_id})


def stop(session: Session, job_id: int, reason: str) -> None:
    """End a job of which a race needs no more, and say why; what it priced is kept."""
    if jobs.set_state(session, job_id, JobState.STOPPED, among=[JobState.RUNNING, JobState.PAUSED]):
        session.execute(
            text("UPDATE jobs SET error = :reason, finished_at = now() WHERE id = :job"),
            {"job": job_id, "reason": reason},
        )


def wake(session: Session, job_id: int) -> tuple[int, Queue] | None:
    """The race that drives a job, and its queue, if all that it released is done and it is to look now."""
    row = session.execute(
        text(
            """UPDATE chunks SET not_before = NULL FROM jobs race
               WHERE race.id = (SELECT race_id FROM jobs WHERE id = :job) AND chunks.job_id = race.id
                 AND race.state = 'running' AND chunks.state = 'waiting'
                 AND NOT EXISTS (
                     SELECT 1 FROM chunks c JOIN jobs j ON j.id = c.job_id
                     WHERE j.race_id = race.id AND j.state = 'running' AND c.is_released
                       AND c.step IN ('fit', 'price') AND c.state IN ('waiting', 'running'))
               RETURNING race.id, race.queue"""
        ),
        {"job": job_id},
    ).first()
    return (row.id, Queue(row.queue)) if row else None
