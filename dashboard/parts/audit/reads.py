"""Reads of the Audit page; nothing is cached, because each reader sees other rows."""

from datetime import datetime

import polars as pl

from db import audit
from db.engine import begin


def people() -> list[str]:
    """db.audit.people."""
    with begin() as session:
        return audit.people(session)


def rows(
    *,
    person: str | None,
    verb: str | None,
    thing: str | None,
    since: datetime | None,
    until: datetime | None,
    most: int | None,
) -> pl.DataFrame:
    """db.audit.rows."""
    with begin() as session:
        return audit.rows(session, person=person, verb=verb, thing=thing, since=since, until=until, most=most)
