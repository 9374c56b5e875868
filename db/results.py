"""How wrong and how dear a finished job was: metrics, stored once by the job's evaluation step."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models import ResultRow


def put(session: Session, job_id: int, metrics: dict[str, Any]) -> None:
    statement = insert(ResultRow).values(job_id=job_id, metrics=metrics)
    session.execute(statement.on_conflict_do_update(index_elements=["job_id"], set_={"metrics": metrics}))


def get(session: Session, job_id: int) -> dict[str, Any] | None:
    return session.scalar(select(ResultRow.metrics).where(ResultRow.job_id == job_id))


def add(session: Session, job_id: int, metrics: dict[str, Any]) -> None:
    """Add keys to the metrics of a job whose chunks bring their parts one by one, perhaps at the same time."""
    statement = insert(ResultRow).values(job_id=job_id, metrics=metrics)
    merged = ResultRow.metrics.op("||")(statement.excluded.metrics)
    session.execute(statement.on_conflict_do_update(index_elements=["job_id"], set_={"metrics": merged}))
