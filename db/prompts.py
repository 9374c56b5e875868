"""Versions of prompts that people saved. A version is never changed, so a run can name what it used."""

from datetime import datetime

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from db.models import PromptRow
from db.types import PromptVersion


def _value(row: PromptRow) -> PromptVersion:
    return PromptVersion(
        row.name, row.version, row.system, row.template, row.note, row.created_at, row.archived_at, row.owner
    )


def save(session: Session, name: str, system: str, template: str, note: str = "", *, after: int = 0) -> int:
    """Add the next version of a name, above `after`; returns its number. Two savers at once get two numbers."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('prompt ' || :name, 0))"), {"name": name})
    newest = session.scalar(select(func.max(PromptRow.version)).where(PromptRow.name == name)) or 0
    row = PromptRow(name=name, version=max(newest, after) + 1, system=system, template=template, note=note)
    session.add(row)
    session.flush()
    set_archived(session, name, None)  # whoever saves a version means to use it
    return row.version


def set_archived(session: Session, name: str, at: datetime | None) -> None:
    """Since when all saved versions of a name are offered no more; None: they are."""
    session.execute(update(PromptRow).where(PromptRow.name == name).values(archived_at=at))
    session.expire_all()


def remove(session: Session, name: str) -> None:
    """Forget all saved versions of a name."""
    session.execute(delete(PromptRow).where(PromptRow.name == name))


def get(session: Session, name: str, version: int | None = None) -> PromptVersion | None:
    """A version of a prompt, or the newest; None when nobody saved such a one."""
    query = select(PromptRow).where(PromptRow.name == name).order_by(PromptRow.version.desc()).limit(1)
    if version is not None:
        query = query.where(PromptRow.version == version)
    row = session.scalars(query).first()
    return _value(row) if row else None


def all(session: Session) -> list[PromptVersion]:  # noqa: A001 - reads as prompts.all(session)
    """Every saved version, by name, newest first."""
    newest_first = select(PromptRow).order_by(PromptRow.name, PromptRow.version.desc())
    return [_value(row) for row in session.scalars(newest_first)]
