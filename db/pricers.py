"""Pricers: named, versioned choices, one version of a name in use, and the history of who moved which and why."""

from datetime import date
from typing import Any

from sqlalchemy import func, insert, or_, select, text, union_all
from sqlalchemy.orm import Session

from db import visibility
from db.errors import NotFound, UserError
from db.models import JobRow, PricerBatchRow, PricerChangeRow, PricerRow
from db.types import Pricer, PricerChange, PricerState


def _value(row: PricerRow) -> Pricer:
    plain = {name: getattr(row, name) for name in Pricer.__slots__ if name not in ("state", "shared_with")}
    return Pricer(**plain, state=PricerState(row.state), shared_with=tuple(row.shared_with))


def create(
    session: Session,
    name: str,
    *,
    description: str,
    spec: dict[str, Any],
    spec_hash: str,
    source_id: int,
    source_fingerprint: str,
    job_id: int | None,
    verdict_id: int | None,
    promise: dict[str, Any],
    hit_rate: float | None,
    within: float | None,
    best_before: date | None,
    who: str,
    why: str,
) -> Pricer:
    """Keep a candidate, as the next version of its name; a number that was ever given is not given again."""
    _lock(session, name)
    newest = next(iter(versions(session, name)), None)
    with visibility.everything(session):
        is_others = newest is None and bool(versions(session, name))
    if is_others:
        raise UserError(f"There is a pricer {name} of somebody else already; choose another name.")
    # All versions of a name belong to whoever made the first, and are seen by the same people.
    its: dict[str, Any] = {"owner": newest.owner, "shared_with": list(newest.shared_with)} if newest else {}
    row = PricerRow(
        name=name, version=_last_version(session, name) + 1, state=PricerState.CANDIDATE, description=description,
        spec=spec, spec_hash=spec_hash, source_id=source_id, source_fingerprint=source_fingerprint, job_id=job_id,
        verdict_id=verdict_id, promise=promise, hit_rate=hit_rate, within=within, best_before=best_before,
        created_by=who, **its,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.refresh(row)
    _write_down(session, row.name, row.version, "", PricerState.CANDIDATE, who, why, "")
    return _value(row)


def _lock(session: Session, name: str) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('pricers ' || :name))"), {"name": name})


def _last_version(session: Session, name: str) -> int:
    known = union_all(
        select(PricerRow.version).where(PricerRow.name == name),
        select(PricerChangeRow.version).where(PricerChangeRow.name == name),
    ).subquery()
    return session.scalar(select(func.max(known.c.version))) or 0


def _write_down(
    session: Session, name: str, version: int, before: str, after: PricerState, who: str, why: str, overrides: str
) -> None:
    session.execute(
        insert(PricerChangeRow).values(
            name=name, version=version, before=before, after=after, who=who, why=why, overrides=overrides
        )
    )


def all(session: Session) -> list[Pricer]:  # noqa: A001 - reads as pricers.all(session)
    """Every version of every pricer, by name, the newest version first."""
    query = (
        select(PricerRow).order_by(PricerRow.name, PricerRow.version.desc()).execution_options(populate_existing=True)
    )
    return [_value(row) for row in session.scalars(query)]


def get(session: Session, pricer_id: int) -> Pricer:
    """The version with this number. Raises NotFound."""
    row = session.get(PricerRow, pricer_id, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no pricer {pricer_id}; `pricewright pricers list` lists those there are.")
    return _value(row)


def versions(session: Session, name: str) -> list[Pricer]:
    """All versions of a name, the newest first; [] = there is none."""
    query = (
        select(PricerRow)
        .where(PricerRow.name == name)
        .order_by(PricerRow.version.desc())
        .execution_options(populate_existing=True)
    )
    return [_value(row) for row in session.scalars(query)]


def version(session: Session, name: str, number: int) -> Pricer:
    """A version of a name. Raises NotFound."""
    for each in versions(session, name):
        if each.version == number:
            return each
    raise NotFound(f"There is no version {number} of pricer {name}; `pricewright pricers show {name}` lists them.")


def in_use(session: Session, name: str) -> Pricer | None:
    """The version of a name that prices files; None: no version is in use."""
    row = session.scalar(
        select(PricerRow)
        .where(PricerRow.name == name, PricerRow.state == PricerState.IN_USE)
        .execution_options(populate_existing=True)
    )
    return _value(row) if row else None


def move(session: Session, pricer: Pricer, to: PricerState, *, who: str, why: str, overrides: str = "") -> None:
    """Change a version's state and write down who did it and why.

    Going in use retires the version that was, in the same transaction; the index on the table refuses two.
    """
    _lock(session, pricer.name)
    before = in_use(session, pricer.name) if to is PricerState.IN_USE else None
    if before is not None and before.id != pricer.id:
        _move(session, before, PricerState.RETIRED, who, f"replaced by version {pricer.version}: {why}", "")
    _move(session, get(session, pricer.id), to, who, why, overrides)


def _move(session: Session, pricer: Pricer, to: PricerState, who: str, why: str, overrides: str) -> None:
    session.execute(text("UPDATE pricers SET state = :to WHERE id = :pricer"), {"to": to, "pricer": pricer.id})
    _write_down(session, pricer.name, pricer.version, pricer.state, to, who, why, overrides)


def history(session: Session, name: str) -> list[PricerChange]:
    """Changes of state of a name's versions, newest first; those of deleted versions too."""
    if visibility.is_restricted(session) and not versions(session, name):
        return []
    query = select(PricerChangeRow).where(PricerChangeRow.name == name).order_by(PricerChangeRow.id.desc())
    return [
        PricerChange(
            name=row.name,
            version=row.version,
            before=PricerState(row.before) if row.before else None,
            after=PricerState(row.after),
            who=row.who,
            why=row.why,
            overrides=row.overrides,
            at=row.at,
        )
        for row in session.scalars(query)
    ]


def rename(session: Session, name: str, to: str) -> None:
    """Give all versions of a name, their history and their batches another. Raises UserError for one that is taken."""
    for each in sorted((name, to)):  # one order for all, so that two renames can't wait for each other
        _lock(session, each)
    visibility.see_all(session)  # also a name that is not seen is taken
    if _last_version(session, to):
        raise UserError(f"There is, or was, a pricer {to} already; choose another name.")
    for table, column in ((PricerRow, "name"), (PricerChangeRow, "name"), (PricerBatchRow, "pricer_name")):
        session.execute(
            text(f"UPDATE {table.__tablename__} SET {column} = :to WHERE {column} = :name"),
            {"to": to, "name": name},
        )


def describe(session: Session, pricer_id: int, description: str) -> None:
    """Keep a note with a version."""
    session.execute(
        text("UPDATE pricers SET description = :description WHERE id = :pricer"),
        {"description": description, "pricer": pricer_id},
    )


def resting_on_dataset(session: Session, dataset_id: int) -> list[Pricer]:
    """The versions that learned from a dataset, or promise what was measured on it."""
    query = select(PricerRow).outerjoin(JobRow, JobRow.id == PricerRow.job_id)
    return _ordered(session, query.where(or_(PricerRow.source_id == dataset_id, JobRow.dataset_id == dataset_id)))


def resting_on_job(session: Session, job_id: int) -> list[Pricer]:
    """The versions that promise the error of a job."""
    return _ordered(session, select(PricerRow).where(PricerRow.job_id == job_id))


def resting_on_adapter(session: Session, adapter_id: str) -> list[Pricer]:
    """The versions that price with an adapter, themselves or through a member."""
    uses = text(
        "spec ->> 'adapter' = :adapter OR EXISTS "
        "(SELECT FROM jsonb_path_query(spec, '$.members[*].adapter') AS used WHERE used #>> '{}' = :adapter)"
    )
    return _ordered(session, select(PricerRow).where(uses.bindparams(adapter=adapter_id)))


def using_adapter(session: Session, adapter_id: str) -> list[Pricer]:
    """The versions in use that price with an adapter themselves."""
    own = PricerRow.spec["adapter"].astext == adapter_id
    return _ordered(session, select(PricerRow).where(own, PricerRow.state == PricerState.IN_USE))


def _ordered(session: Session, query: Any) -> list[Pricer]:
    query = query.order_by(PricerRow.name, PricerRow.version).execution_options(populate_existing=True)
    return [_value(row) for row in session.scalars(query)]


def drop(session: Session, pricer_id: int) -> None:
    """Remove a version; its history and its batches stay."""
    session.execute(text("DELETE FROM pricers WHERE id = :pricer"), {"pricer": pricer_id})
