"""Verdicts that people saved to act on: added, read and forgotten, never changed."""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFound
from db.models import SavedVerdictRow
from db.types import SavedVerdict


def _value(row: SavedVerdictRow) -> SavedVerdict:
    return SavedVerdict(row.id, row.dataset_id, row.facts, row.best_before, row.created_at, row.owner)


def add(session: Session, dataset_id: int, facts: dict[str, Any], best_before: date | None) -> SavedVerdict:
    """Keep a verdict on a dataset."""
    row = SavedVerdictRow(dataset_id=dataset_id, facts=facts, best_before=best_before)
    session.add(row)
    session.flush()
    session.refresh(row)
    return _value(row)


def all(session: Session, dataset_id: int | None = None) -> list[SavedVerdict]:  # noqa: A001 - saved_verdicts.all
    """Every saved verdict, of one dataset or of all; the newest first."""
    query = select(SavedVerdictRow).order_by(SavedVerdictRow.id.desc())
    if dataset_id is not None:
        query = query.where(SavedVerdictRow.dataset_id == dataset_id)
    return [_value(row) for row in session.scalars(query)]


def get(session: Session, verdict_id: int) -> SavedVerdict:
    """The saved verdict with this number. Raises NotFound."""
    row = session.get(SavedVerdictRow, verdict_id)
    if row is None:
        raise NotFound(f"There is no saved verdict {verdict_id}; `pricewright verdicts` lists those there are.")
    return _value(row)


def delete(session: Session, verdict_id: int) -> None:
    """Forget a saved verdict. Raises NotFound."""
    get(session, verdict_id)
    session.delete(session.get_one(SavedVerdictRow, verdict_id))
    session.flush()
