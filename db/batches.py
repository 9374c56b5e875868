"""Files of calls that endpoints answer within hours: which are out, whose they are, who may deal with one now."""

from dataclasses import fields
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from db.models import BatchRow
from db.types import Batch

STUCK_SECONDS = 120.0
"""Whoever took longer than this to hand a batch in has died."""


def create(session: Session, *, job_id: int, chunk_id: int | None, endpoint: str, model: str, token: str) -> int:
    """A batch that is to be handed in; returns its id."""
    row = BatchRow(
        job_id=job_id, chunk_id=chunk_id, endpoint=endpoint, model=model, token=token, state="new", requests=0
    )
    session.add(row)
    session.flush()
    return row.id


def change(session: Session, batch_id: int, **values: Any) -> None:
    """Set columns of a batch."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    session.execute(text(f"UPDATE batches SET {columns} WHERE id = :id"), {"id": batch_id} | values)


def take(session: Session, batch_id: int) -> bool:
    """Whether the caller may hand the batch in. A batch that somebody took and never ended is given once more."""
    return (
        session.scalar(
            text(
                """UPDATE batches SET state = 'sending', polled_at = now() WHERE id = :id AND (state = 'new'
                       OR (state = 'sending' AND polled_at < now() - make_interval(secs => :stuck)))
                   RETURNING id"""
            ),
            {"id": batch_id, "stuck": STUCK_SECONDS},
        )
        is not None
    )


def polled(session: Session, batch_id: int) -> None:
    """Note that somebody looked at a batch just now."""
    session.execute(text("UPDATE batches SET polled_at = now() WHERE id = :id"), {"id": batch_id})


def finish(session: Session, batch_id: int, state: str, error: str | None = None) -> None:
    """Close a batch and count what it answered."""
    session.execute(
        text(
            """UPDATE batches SET state = :state, error = :error, polled_at = now(), finished_at = now(),
                   answered = (SELECT count(*) FROM completions WHERE batch_id = batches.id AND state <> 'sent')
               WHERE id = :id"""
        ),
        {"id": batch_id, "state": state, "error": error},
    )


def get(session: Session, batch_id: int) -> Batch:
    return _batch(session.get_one(BatchRow, batch_id, populate_existing=True))


def open_(session: Session) -> list[Batch]:
    """Batches that are not finished, oldest first."""
    query = select(BatchRow).where(BatchRow.finished_at.is_(None)).order_by(BatchRow.id)
    return [_batch(row) for row in session.scalars(query)]


def of_job(session: Session, job_id: int) -> list[Batch]:
    """Every batch of a job, oldest first."""
    query = select(BatchRow).where(BatchRow.job_id == job_id).order_by(BatchRow.id)
    return [_batch(row) for row in session.scalars(query)]


def incomplete(session: Session, job_id: int, chunk_id: int | None) -> int:
    """How many batches of a chunk ended without answering everything."""
    return int(
        session.scalar(
            text(
                """SELECT count(*) FROM batches WHERE job_id = :job AND chunk_id IS NOT DISTINCT FROM :chunk
                   AND finished_at IS NOT NULL AND answered < requests"""
            ),
            {"job": job_id, "chunk": chunk_id},
        )
        or 0
    )


def wake_chunks(session: Session) -> None:
    """Wake chunks that still sleep although all their batches ended: a batch may end before its chunk lies down."""
    session.execute(
        text(
            """UPDATE chunks SET not_before = NULL WHERE state = 'waiting' AND not_before > now() AND id IN (
                   SELECT chunk_id FROM batches GROUP BY chunk_id
                   HAVING bool_and(finished_at IS NOT NULL) AND max(finished_at) > now() - interval '1 hour')"""
        )
    )


def _batch(row: BatchRow) -> Batch:
    return Batch(**{field.name: getattr(row, field.name) for field in fields(Batch)})
