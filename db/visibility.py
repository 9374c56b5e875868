"""Who sees what: the rules that Postgres keeps for each transaction of a person, whatever page or verb asks.

A person's transaction runs under a role that owns no table, so that the policies of the tables hold (migration 0031):
datasets, prompts and pricers are seen by their owner and by those they are shared with, all else follows the dataset
or job that it belongs to. Admins and workers see all.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from db.errors import NotReady, UserError
from db.types import Person, Role

ROLE = "pricewright_person"
EVERYBODY = "everybody"

_IS_READY = f"""SELECT CASE WHEN to_regrole('{ROLE}') IS NULL THEN false
    ELSE pg_has_role('{ROLE}', 'MEMBER') AND has_table_privilege('{ROLE}', 'datasets', 'SELECT') END"""

# Processes that start together all come here; the later ones find the role made meanwhile.
_MAKE = (
    f"""DO $$ BEGIN
        IF to_regrole('{ROLE}') IS NULL THEN CREATE ROLE {ROLE} NOLOGIN; END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$""",
    f"DO $$ BEGIN IF NOT pg_has_role('{ROLE}', 'MEMBER') THEN GRANT {ROLE} TO CURRENT_USER; END IF; END $$",
    f"GRANT USAGE ON SCHEMA public TO {ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}",
    f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE}",
)


def is_ready(connection: Connection) -> bool:
    """Whether persons can act under the role on this database."""
    return bool(connection.scalar(text(_IS_READY)))


def prepare(connection: Connection) -> None:
    """Make the role and let it use the tables. Raises NotReady where the database's user may not make one."""
    try:
        for statement in _MAKE:
            connection.execute(text(statement))
    except DBAPIError as error:
        raise NotReady(
            f"The user of the database may not make the role that people act under: let an administrator run CREATE "
            f"ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO (that user); in it, and start again."
        ) from error


def names(person: Person) -> list[str]:
    """What a thing can be shared with so that a person sees it."""
    return [EVERYBODY, f"person:{person.name}", *(f"group:{group}" for group in sorted(person.groups))]


def restricts(person: Person | None) -> bool:
    """Whether who acts sees only a part."""
    return person is not None and not person.role.includes(Role.ADMIN)


def restrict(session: Session, person: Person) -> None:
    """Name the person in this transaction and let it see what the person may see. Raises ValueError for one without a
    name, who would be taken for the product itself."""
    if not person.name:
        raise ValueError("a person needs a name")
    statement = "SELECT set_config('pricewright.person', :name, true)"
    values: dict[str, str | list[str]] = {"name": person.name}
    if restricts(person):
        statement += (
            ", set_config('pricewright.names', CAST(CAST(:names AS text[]) AS text), true)"
            f", set_config('role', '{ROLE}', true)"
        )
        values["names"] = names(person)
    session.execute(text(statement), values)


def see_all(session: Session) -> None:
    """Let the rest of a transaction see all: what a person deletes may be in use by what she does not see."""
    session.execute(text("SELECT set_config('role', 'none', true)"))


@contextmanager
def everything(session: Session) -> Iterator[None]:
    """Let a part of a transaction see all; what it finds is counted, never shown."""
    before = session.scalar(text("SELECT current_setting('role')"))
    see_all(session)
    yield
    session.execute(text("SELECT set_config('role', :role, true)"), {"role": before})


def is_restricted(session: Session) -> bool:
    """Whether the transaction sees only what a person may see."""
    return bool(session.scalar(text("SELECT current_setting('role') = :role"), {"role": ROLE}))


def share(session: Session, table: str, column: str, its_id: int | str, with_whom: Iterable[str]) -> None:
    """Keep who else sees the rows of a table of things whose `column` is `its_id`: what `names` gives for them."""
    session.execute(
        text(f"UPDATE {table} SET shared_with = :names WHERE {column} = :id"),
        {"names": sorted(set(with_whom)), "id": its_id},
    )


def give(session: Session, table: str, column: str, its_id: int | str, to: str) -> None:
    """Make somebody the owner of the rows of a table of things whose `column` is `its_id`."""
    session.execute(text(f"UPDATE {table} SET owner = :to WHERE {column} = :id"), {"to": to, "id": its_id})


@contextmanager
def taken_by_others(sentence: str) -> Iterator[None]:
    """Says in a sentence that a name can't be had, because somebody has a thing of that name that is not seen."""
    try:
        yield
    except IntegrityError as error:
        raise UserError(sentence) from error
