"""Versions of prompts that people saved. A version is never changed, so a run can name what it used."""

from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from db import visibility
from db.errors import UserError
from db.models import PromptRow
from db.types import PromptVersion


def _value(row: PromptRow) -> PromptVersion:
    return PromptVersion(
        name=row.name,
        version=row.version,
        system=row.system,
        template=row.template,
        note=row.note,
        created_at=row.created_at,
        archived_at=row.archived_at,
        owner=row.owner,
        shared_with=tuple(row.shared_with),
    )


def save(session: Session, name: str, system: str, template: str, note: str = "", *, after: int = 0) -> int:
    """Add the next version of a name, above `after`; returns its number. Two savers at once get two numbers.

    Raises UserError for a name of somebody else's that is not shared."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('prompt ' || :name, 0))"), {"name": name})
    newest = get(session, name)
    with visibility.everything(session):
        is_others = newest is None and get(session, name) is not None
    if is_others:
        raise UserError(f"There is a prompt {name} of somebody else already; choose another name.")
    # All versions of a name belong to whoever made the first, and are seen by the same people.
    its = {"owner": newest.owner, "shared_with": list(newest.shared_with)} if newest else {}
    version = max(newest.version if newest else 0, after) + 1
    row = PromptRow(name=name, version=version, system=system, template=template, note=note, **its)
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
