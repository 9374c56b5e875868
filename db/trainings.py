"""What a training leaves behind while it runs: its curve, the place to go on from, and the wish to stop it."""

from collections.abc import Sequence

import polars as pl
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from db import pieces
from db.models import CheckpointRow, JobRow, TrainingPointRow
from db.types import Checkpoint, TrainingPoint


def note(session: Session, job_id: int, points: Sequence[TrainingPoint]) -> None:
    """Add a point to the curve; a point of the same step and kind is written over."""
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


def points(session: Session, job_id: int, *kinds: str) -> list[TrainingPoint]:
    """The whole curve, or only its points of these kinds, in the order of steps, and at one step as they came."""
    query = (
        select(TrainingPointRow)
        .where(TrainingPointRow.job_id == job_id)
        .order_by(TrainingPointRow.step, TrainingPointRow.at, TrainingPointRow.kind)
    )
    if kinds:
        query = query.where(TrainingPointRow.kind.in_(kinds))
    return [TrainingPoint(row.step, row.kind, row.values, row.at) for row in session.scalars(query)]


def latest(session: Session, job_id: int) -> TrainingPoint | None:
    """The values of the last step."""
    query = (
        select(TrainingPointRow)
        .where(TrainingPointRow.job_id == job_id, TrainingPointRow.kind == "step")
        .order_by(TrainingPointRow.step.desc())
        .limit(1)
    )
    row = session.scalar(query)
    return TrainingPoint(row.step, row.kind, row.values, row.at) if row else None


FIGURES = ("loss", "grad_norm", "learning_rate", "tokens_per_second")


def thinned(session: Session, job_id: int, most: int) -> pl.DataFrame:
    """step and FIGURES (null: not told) in at most so many lines, each the mean over equally many steps in a row.

    A training may take 100,000 steps; what is drawn of it must stay small, and is thinned where it lies.
    """
    means = ", ".join(f"avg((values ->> '{name}')::float8)" for name in FIGURES)
    query = text(
        f"""SELECT max(step), {means} FROM (
                SELECT step, values, (row_number() OVER (ORDER BY step) - 1) * :most / greatest(count(*) OVER (), :most)
                    AS place
                FROM training_points WHERE job_id = :job AND kind = 'step') AS placed
            GROUP BY place ORDER BY place"""
    )
    rows = [tuple(row) for row in session.execute(query, {"job": job_id, "most": most})]
    schema = {"step": pl.Int64} | dict.fromkeys(FIGURES, pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def forget_after(session: Session, job_id: int, step: int) -> None:
    """Drop the points after the step that a training goes on from: it will come again."""
    session.execute(
        text("DELETE FROM training_points WHERE job_id = :job AND step > :step"), {"job": job_id, "step": step}
    )


def save_checkpoint(session: Session, job_id: int, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint in place of the one before."""
    drop_checkpoint(session, job_id)
    for name, number, data in pieces.cut(checkpoint.parts):
        session.execute(
            insert(CheckpointRow).values(job_id=job_id, part=name, piece=number, step=checkpoint.step, payload=data)
        )


def checkpoint(session: Session, job_id: int) -> Checkpoint | None:
    query = (
        select(CheckpointRow.step, CheckpointRow.part, CheckpointRow.payload)
        .where(CheckpointRow.job_id == job_id)
        .order_by(CheckpointRow.part, CheckpointRow.piece)
    )
    parts = pieces.joined(session, query)
    if not parts:
        return None
    [step] = {step for step, _ in parts}
    return Checkpoint(step, {part: data for (_, part), data in parts.items()})


def drop_checkpoint(session: Session, job_id: int) -> None:
    session.execute(text("DELETE FROM checkpoints WHERE job_id = :job"), {"job": job_id})


def ask_to_stop(session: Session, job_id: int) -> None:
    """Ask a training to end at its next step and to keep the best that it has."""
    session.execute(text("UPDATE jobs SET stop_asked = true WHERE id = :job"), {"job": job_id})
    # One that waits for a model behind an endpoint hears of it at once.
    session.execute(
        text("UPDATE chunks SET not_before = NULL WHERE job_id = :job AND state = 'waiting'"), {"job": job_id}
    )


def is_asked_to_stop(session: Session, job_id: int) -> bool:
    return bool(session.scalar(select(JobRow.stop_asked).where(JobRow.id == job_id)))
