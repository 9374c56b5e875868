"""The audit log: who did what to what, when, from where, with what money. Only added to: a trigger refuses the rest.

Each row is written in the transaction of the act itself, so that none stands there that did not happen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from db import acting
from db.models import AuditRow
from db.types import Role, Verb


@dataclass(frozen=True, slots=True)
class Origin:
    """From where somebody acts."""

    place: str  # a page, a command
    address: str = ""  # of the client; "": not known


_origin: Callable[[], Origin] = lambda: Origin("the product itself")  # noqa: E731 - one function in place of another


def come_from(source: Callable[[], Origin]) -> None:
    """Let `source` say from where acts come in this process; it is asked anew at every act."""
    global _origin  # noqa: PLW0603 - one per process
    _origin = source


@dataclass(frozen=True, slots=True)
class Thing:
    """What an act is about, as the log names it."""

    kind: str  # dataset, job …
    id: str
    name: str


def write(session: Session, verb: Verb, thing: Thing, usd: Decimal | None, details: dict[str, Any]) -> None:
    """Add one act of whoever acts."""
    person, origin = acting.person(), _origin()
    session.add(
        AuditRow(
            person=person.name if person else "",
            role=person.role if person else "",
            verb=verb,
            kind=thing.kind,
            thing_id=thing.id,
            thing_name=thing.name[:_LONGEST],
            details={key: _short(value) for key, value in details.items() if value is not None},
            usd=usd,
            place=origin.place[:_LONGEST],
            address=origin.address[:_LONGEST],
        )
    )
    session.flush()


_LONGEST = 200  # letters of a text: the log names things, it does not hold them


def _short(value: Any) -> Any:
    return value if isinstance(value, int | float | None) else str(value)[:_LONGEST]


SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "at": pl.Datetime("us", "UTC"), "person": pl.String, "role": pl.String, "verb": pl.String, "kind": pl.String,
    "thing": pl.String, "name": pl.String, "usd": pl.Float64, "details": pl.String, "place": pl.String,
    "address": pl.String,
}  # fmt: skip


def rows(
    session: Session,
    *,
    person: str | None = None,
    verb: str | None = None,
    kind: str | None = None,
    thing: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int | None = None,
) -> pl.DataFrame:
    """Acts, newest first; SCHEMA columns. Admins see everybody's, everybody else only her own."""
    query = select(AuditRow).order_by(AuditRow.id.desc())
    if (reader := acting.person()) is not None and not reader.role.includes(Role.ADMIN):
        query = query.where(AuditRow.person == reader.name)
    for column, wanted in (
        (AuditRow.person, person), (AuditRow.verb, verb), (AuditRow.kind, kind), (AuditRow.thing_id, thing),
    ):  # fmt: skip
        query = query if wanted is None else query.where(column == wanted)
    query = query if since is None else query.where(AuditRow.at >= since)
    query = query if until is None else query.where(AuditRow.at < until)
    found = session.scalars(query.limit(most))
    return pl.DataFrame(
        [
            (
                row.at, row.person, row.role, row.verb, row.kind, row.thing_id, row.thing_name,
                None if row.usd is None else float(row.usd),
                ", ".join(f"{key}: {value}" for key, value in row.details.items()), row.place, row.address,
            )
            for row in found
        ],
        schema=SCHEMA,
        orient="row",
    )  # fmt: skip


def people(session: Session) -> list[str]:
    """Who is in the log, as far as the reader sees it; "" = the product itself."""
    query = select(AuditRow.person).distinct().order_by(AuditRow.person)
    if (reader := acting.person()) is not None and not reader.role.includes(Role.ADMIN):
        query = query.where(AuditRow.person == reader.name)
    return list(session.scalars(query))
