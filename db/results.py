"""How wrong and how dear a finished job was: metrics, stored once by the job's evaluation step."""

from collections.abc import Sequence
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


def figures(session: Session, job_ids: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Job -> those of these metrics that it has; jobs without a result are left out."""
    values = [ResultRow.metrics[name] for name in names]
    found = session.execute(select(ResultRow.job_id, *values).where(ResultRow.job_id.in_(job_ids)))
    return {
        job_id: {name: value for name, value in zip(names, measured, strict=True) if value is not None}
        for job_id, *measured in found
    }


def add(session: Session, job_id: int, metrics: dict[str, Any]) -> None:
    """Add keys to the metrics of a job whose chunks bring their parts one by one, perhaps at the same time."""
    statement = insert(ResultRow).values(job_id=job_id, metrics=metrics)
    merged = ResultRow.metrics.op("||")(statement.excluded.metrics)
    session.execute(statement.on_conflict_do_update(index_elements=["job_id"], set_={"metrics": merged}))
