"""Adapters: weights with their lineage, one in production per task, and the history of who moved which and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from db import pieces, visibility
from db.errors import NotFound, UserError
from db.models import AdapterChangeRow, AdapterFileRow, AdapterRow
from db.types import Adapter, AdapterChange, AdapterState

_SIZE = select(AdapterFileRow.adapter_id, func.sum(func.octet_length(AdapterFileRow.payload)).label("size")).group_by(
    AdapterFileRow.adapter_id
)


def _value(row: AdapterRow, size_bytes: int | None) -> Adapter:
    plain = {name: getattr(row, name) for name in Adapter.__slots__ if name not in ("state", "size_bytes")}
    return Adapter(**plain, state=AdapterState(row.state), size_bytes=int(size_bytes or 0))


def _select() -> Any:
    sizes = _SIZE.subquery()
    return select(AdapterRow, sizes.c.size).outerjoin(sizes, sizes.c.adapter_id == AdapterRow.id)


def register(session: Session, adapter: Adapter, files: Mapping[str, bytes]) -> None:
    """Keep an adapter with its files; the same weights a second time change nothing."""
    values = {
        name: value for name, value in asdict(adapter).items() if name not in ("size_bytes", "created_at", "owner")
    }
    added = session.scalar(upsert(AdapterRow).values(**values).on_conflict_do_nothing().returning(AdapterRow.id))
    if added is None:
        return
    for name, number, data in pieces.cut(files):
        session.execute(insert(AdapterFileRow).values(adapter_id=adapter.id, name=name, piece=number, payload=data))


def all(session: Session, dataset_id: int | None = None) -> list[Adapter]:  # noqa: A001
    """Every adapter, or those that learned from one dataset, newest first."""
    query = _select().order_by(AdapterRow.created_at.desc(), AdapterRow.id)
    if dataset_id is not None:
        query = query.where(AdapterRow.dataset_id == dataset_id)
    return [_value(row, size) for row, size in session.execute(query)]


def get(session: Session, ref: str) -> Adapter:
    """The adapter with this id, or whose id begins so. Raises NotFound, UserError when several begin so."""
    rows = (
        session.execute(_select().where(AdapterRow.id.startswith(ref, autoescape=True)).limit(2)).all() if ref else []
    )
    if not rows:
        raise NotFound(f"There is no adapter {ref or 'without a number'}; the Adapters page lists those there are.")
    if len(rows) > 1:
        raise UserError(f"More than one adapter begins with {ref}; give more of its letters.")
    return _value(*rows[0])


def of_job(session: Session, job_id: int) -> Adapter | None:
    row = session.execute(_select().where(AdapterRow.job_id == job_id).limit(1)).first()
    return _value(*row) if row else None


def in_production(session: Session, task: str) -> Adapter | None:
    row = session.execute(_select().where(AdapterRow.task == task, AdapterRow.state == AdapterState.PRODUCTION)).first()
    return _value(*row) if row else None


def files(session: Session, adapter_id: str) -> dict[str, bytes]:
    """Name -> bytes of the PEFT folder; empty for a model that was tuned behind an endpoint."""
    query = (
        select(AdapterFileRow.name, AdapterFileRow.payload)
        .where(AdapterFileRow.adapter_id == adapter_id)
        .order_by(AdapterFileRow.name, AdapterFileRow.piece)
    )
    return {name: data for (name,), data in pieces.joined(session, query).items()}


def set_gate_report(session: Session, adapter_id: str, report: dict[str, Any]) -> None:
    row = session.get_one(AdapterRow, adapter_id)
    row.gate_report = report


def move(session: Session, adapter: Adapter, to: AdapterState, *, who: str, why: str, overrides: str = "") -> None:
    """Change an adapter's state and write down who did it and why.

    Going to production retires the one that was there, in the same transaction; the index on the table refuses two.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('adapters ' || :task))"), {"task": adapter.task})
    before = in_production(session, adapter.task) if to is AdapterState.PRODUCTION else None
    if before is not None and before.id != adapter.id:
        _move(session, before, AdapterState.RETIRED, who, f"replaced by {adapter.id[:12]}: {why}", "")
    with visibility.taken_by_others(
        f"Somebody else's adapter is in production for {adapter.task!r}; an admin can replace it."
    ):
        _move(session, get(session, adapter.id), to, who, why, overrides)


def _move(session: Session, adapter: Adapter, to: AdapterState, who: str, why: str, overrides: str) -> None:
    session.execute(text("UPDATE adapters SET state = :to WHERE id = :adapter"), {"to": to, "adapter": adapter.id})
    session.execute(
        insert(AdapterChangeRow).values(
            adapter_id=adapter.id,
            task=adapter.task,
            before=adapter.state,
            after=to,
            who=who,
            why=why,
            overrides=overrides,
        )
    )


def history(session: Session, *, adapter_id: str | None = None, task: str | None = None) -> list[AdapterChange]:
    """Changes of state, newest first, of one adapter or of one task."""
    query = select(AdapterChangeRow).order_by(AdapterChangeRow.id.desc())
    if adapter_id is not None:
        query = query.where(AdapterChangeRow.adapter_id == adapter_id)
    if task is not None:
        query = query.where(AdapterChangeRow.task == task)
    return [
        AdapterChange(
            adapter_id=row.adapter_id,
            task=row.task,
            before=AdapterState(row.before),
            after=AdapterState(row.after),
            who=row.who,
            why=row.why,
            overrides=row.overrides,
            at=row.at,
        )
        for row in session.scalars(query)
    ]


def jobs_at_work(session: Session, adapter_id: str) -> Sequence[int]:
    """Jobs that price with an adapter and are not over."""
    return list(
        session.scalars(
            text(
                "SELECT id FROM jobs WHERE state IN ('running', 'paused') AND (spec ->> 'adapter' = :adapter OR EXISTS "
                "(SELECT FROM jsonb_path_query(spec, '$.members[*].adapter') AS used WHERE used #>> '{}' = :adapter)) "
                "ORDER BY id"
            ),
            {"adapter": adapter_id},
        )
    )


def drop(session: Session, adapter_id: str) -> None:
    """Remove an adapter and its files; its history stays."""
    session.execute(text("DELETE FROM adapters WHERE id = :adapter"), {"adapter": adapter_id})
