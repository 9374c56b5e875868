"""What a training leaves behind while it runs: its curve, the place to go on from, and the wish to stop it."""

from collections.abc import Sequence

from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from db.models import CheckpointRow, JobRow, TrainingPointRow
from db.types import Checkpoint, TrainingPoint


def note(session: Session, job_id: int, points: Sequence[TrainingPoint]) -> None:
    """Add to the curve; a point of the same step and kind is written over."""
    if not points:
        return
    latest = {(point.step, point.kind): point.values for point in points}  # one statement may touch a row only once
    query = upsert(TrainingPointRow).values(
        [{"job_id": job_id, "step": step, "kind": kind, "values": values} for (step, kind), values in latest.items()]
    )
    session.execute(
        query.on_conflict_do_update(
            index_elements=["job_id", "step", "kind"], set_={"values": query.excluded["values"], "at": text("now()")}
        )
    )


def points(session: Session, job_id: int) -> list[TrainingPoint]:
    """The whole curve, in the order of steps."""
    query = (
        select(TrainingPointRow)
        .where(TrainingPointRow.job_id == job_id)
        .order_by(TrainingPointRow.step, TrainingPointRow.kind)
    )
    return [TrainingPoint(row.step, row.kind, row.values, row.at) for row in session.scalars(query)]


def forget_after(session: Session, job_id: int, step: int) -> None:
    """Drop what came after the step that a training goes on from: it will come again."""
    session.execute(
        text("DELETE FROM training_points WHERE job_id = :job AND step > :step"), {"job": job_id, "step": step}
    )


def save_checkpoint(session: Session, job_id: int, checkpoint: Checkpoint) -> None:
    """Keep it in place of the one before."""
    drop_checkpoint(session, job_id)
    session.execute(
        insert(CheckpointRow),
        [
            {"job_id": job_id, "part": name, "step": checkpoint.step, "payload": data}
            for name, data in checkpoint.parts.items()
        ],
    )


def checkpoint(session: Session, job_id: int) -> Checkpoint | None:
    rows = session.scalars(select(CheckpointRow).where(CheckpointRow.job_id == job_id)).all()
    return Checkpoint(rows[0].step, {row.part: row.payload for row in rows}) if rows else None


def drop_checkpoint(session: Session, job_id: int) -> None:
    session.execute(text("DELETE FROM checkpoints WHERE job_id = :job"), {"job": job_id})


def ask_to_stop(session: Session, job_id: int) -> None:
    """The training ends at its next step and keeps the best that it has."""
    session.execute(text("UPDATE jobs SET stop_asked = true WHERE id = :job"), {"job": job_id})
    # One that waits for a model behind an endpoint hears of it at once.
    session.execute(
        text("UPDATE chunks SET not_before = NULL WHERE job_id = :job AND state = 'waiting'"), {"job": job_id}
    )


def is_asked_to_stop(session: Session, job_id: int) -> bool:
    return bool(session.scalar(select(JobRow.stop_asked).where(JobRow.id == job_id)))
