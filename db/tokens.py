"""Tokens by which the command line knows who acts: kept as hashes, good until a day, revocable."""

from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.engine import engine
from db.errors import NotFound
from db.models import TokenRow
from db.types import Person, Role, Token


def _value(row: TokenRow) -> Token:
    person = Person(row.name, Role(row.role), frozenset(row.groups))
    return Token(row.id, person, row.created_at, row.expires_at, row.revoked_at)


def add(session: Session, person: Person, sha256: str, days: int) -> Token:
    """Keep the hash of a token that acts for a person for so many days."""
    row = TokenRow(
        name=person.name,
        role=person.role,
        groups=sorted(person.groups),
        sha256=sha256,
        expires_at=func.now() + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return _value(row)


def all(session: Session) -> list[Token]:  # noqa: A001 - reads as tokens.all(session)
    """Every token, newest first; also those that act no more."""
    return [_value(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.id.desc()))]


def revoke(session: Session, token_id: int) -> Token:
    """Let a token act no more. Raises NotFound."""
    row = session.get(TokenRow, token_id)
    if row is None:
        raise NotFound(f"There is no token {token_id}; `pricewright people tokens` lists those there are.")
    if row.revoked_at is None:
        row.revoked_at = session.scalar(select(func.now()))
        session.flush()
    return _value(row)


def person_of(sha256: str) -> Person | None:
    """For whom a token acts now; None: it is unknown, over or revoked. Asked before anybody is known to act."""
    query = text(
        "SELECT name, role, groups FROM tokens WHERE sha256 = :hash AND expires_at > now() AND revoked_at IS NULL"
    )
    with engine().connect() as connection:
        row = connection.execute(query, {"hash": sha256}).first()
    return Person(row.name, Role(row.role), frozenset(row.groups)) if row else None
