"""How code reaches Postgres: one engine per process, transactions that roll back unless they end well, fast COPY."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

import polars as pl
import psycopg
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as Session

from db import acting, visibility
from db.errors import NotReady
from db.settings import settings

_HOOKS = "after_commit"


class DatabaseAway(Exception):
    """The database does not answer. Nothing was written; what was begun can be tried again."""


@cache
def engine() -> Engine:
    """The engine of this process. A forked child must call `forget()` first: sockets can't be shared."""
    return create_engine(
        settings().database,
        pool_pre_ping=True,  # after a crash of Postgres the pool holds dead connections; find out before use
        pool_size=5,
        max_overflow=10,
        connect_args={"connect_timeout": 10},
    )


def forget() -> None:
    """Drop the engine without closing its sockets (they belong to the parent process)."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)
    engine.cache_clear()


_is_open = True  # of this process, as the engine is


@contextmanager
def access(*, is_open: bool) -> Iterator[None]:
    """Whether this process may begin transactions until the block ends; blocks may lie in each other.

    A command that started servers for itself stops them before it ends. What asked for the database after that would
    fail only where no others run, so it is refused everywhere: by the test that first runs it.
    """
    global _is_open  # noqa: PLW0603 - one per process, like the engine
    before, _is_open = _is_open, is_open
    try:
        yield
    finally:
        _is_open = before


@contextmanager
def begin() -> Iterator[Session]:
    """Open a transaction: committed when the block ends well, rolled back otherwise; then runs the after-commit hooks.

    Raises DatabaseAway when the database can't be reached or goes away meanwhile, RuntimeError where nobody may ask it.
    """
    if not _is_open:
        raise RuntimeError("The database is asked outside of the block that has it running (running_stack).")
    try:
        with Session(engine(), expire_on_commit=False) as session, session.begin():
            if person := acting.person():
                visibility.restrict(session, person)
            yield session
    except (DBAPIError, psycopg.Error) as error:
        # COPY runs on the driver's connection, so its errors come unwrapped.
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.OperationalError):
            raise DatabaseAway(str(cause)) from error
        raise
    run_hooks(session)


def after_commit(session: Session, hook: Callable[[], None]) -> None:
    """Call `hook` once the transaction is on disk: a message sent earlier could be read before its rows exist."""
    session.info.setdefault(_HOOKS, []).append(hook)


def run_hooks(session: Session) -> None:
    for hook in session.info.pop(_HOOKS, []):
        hook()


@event.listens_for(Session, "after_rollback")
def _drop_hooks(session: Session) -> None:
    session.info.pop(_HOOKS, None)


def _driver(session: Session) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)


def copy_in(session: Session, table: str, frame: pl.DataFrame) -> int:
    """Append a frame to a table whose columns bear the same names; returns the number of lines.

    CSV written by Polars and read by COPY was the fastest way that stays inside the caller's transaction
    (docs/experiments.md, "Bulk"). Strings are always quoted, so that "" and null stay apart.
    """
    # Slices, so that the text of a large frame is never held twice.
    return copy_all(session, table, frame.iter_slices(50_000))


def copy_all(session: Session, table: str, frames: Iterable[pl.DataFrame]) -> int:
    """As `copy_in`, of many frames with the same columns; the next is made ready while Postgres reads one."""
    parts = (frame for frame in frames if len(frame))
    first = next(parts, None)
    if first is None:
        return 0
    lines = 0
    columns = ", ".join(f'"{name}"' for name in first.columns)
    target = table
    if visibility.restricts(acting.person()):
        # Postgres copies into no table that has rules of who sees what: the lines take a way round.
        target = f"new_{table}"
        session.execute(text(f"CREATE TEMPORARY TABLE {target} AS SELECT {columns} FROM {table} LIMIT 0"))
    statement = f'COPY "{target}" ({columns}) FROM STDIN (FORMAT csv)'
    with _driver(session).cursor() as cursor, cursor.copy(statement) as copy, ThreadPoolExecutor(1) as aside:
        part: tuple[io.BytesIO, int] | None = _as_csv(first)
        while part:
            following = aside.submit(lambda: _as_csv(frame) if (frame := next(parts, None)) is not None else None)
            copy.write(part[0].getbuffer())
            lines += part[1]
            part = following.result()
    if target != table:
        session.execute(text(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM {target}'))
        session.execute(text(f"DROP TABLE {target}"))
    return lines


def _as_csv(frame: pl.DataFrame) -> tuple[io.BytesIO, int]:
    """A frame as COPY reads it, and its lines."""
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False, quote_style="non_numeric")
    return buffer, len(frame)


def copy_out(
    session: Session, query: str, schema: Mapping[str, pl.DataType | type[pl.DataType]], params: Sequence[Any] = ()
) -> pl.DataFrame:
    """The result of a SELECT with %s parameters as a frame with the given columns and types.

    Empty strings come back as null (CSV reading can't tell them apart); callers that promise "" fill them.
    """
    buffer = io.BytesIO()
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv)"
    with _driver(session).cursor() as cursor, cursor.copy(statement, params) as copy:
        for block in copy:
            buffer.write(block)
    if not buffer.tell():
        return pl.DataFrame(schema=dict(schema))
    buffer.seek(0)
    return pl.read_csv(buffer, has_header=False, schema=dict(schema))


def binary_out(session: Session, query: str, types: Sequence[str], params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The lines of a SELECT with %s parameters, of columns of these types: for bytes, which text would double."""
    statement = f"COPY ({query}) TO STDOUT (FORMAT binary)"
    with _driver(session).cursor() as cursor, cursor.copy(statement, params) as copy:
        copy.set_types(list(types))
        return list(copy.rows())


def versions() -> str:
    """Which Postgres and pgvector answer, for people."""
    with begin() as session:
        postgres = session.scalar(text("SELECT current_setting('server_version')"))
        vector = session.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'"))
    return f"Postgres {postgres}, pgvector {vector or 'not yet installed'}"


_MIGRATIONS = Path(__file__).parent / "migrations"


def newest_version() -> str:
    """The version of the tables that this code works with: the number that the last file of migrations begins with."""
    return max(file.name for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")).partition("_")[0]


def migrate() -> None:
    """Bring the database to the newest migration. Raises NotReady when a newer Pricewright has been there, and where
    people sign in but the database can't tell them apart."""
    if _version() != newest_version():  # as nearly never: Alembic takes most of a second to load
        _upgrade()
        _let_people_in(anew=True)
    else:
        _let_people_in(anew=False)


def _let_people_in(*, anew: bool) -> None:
    """Have the role that people act under; where nobody signs in, a database whose user can't make one will do."""
    try:
        with engine().begin() as connection:
            if anew or not visibility.is_ready(connection):
                visibility.prepare(connection)
    except NotReady:
        if settings().has_sign_in:
            raise


def _upgrade() -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if "Can't locate revision" not in str(error):
            raise
        raise NotReady(
            "This data folder's database was made by a newer Pricewright; update Pricewright, or set another "
            "PRICEWRIGHT_DATA_DIR."
        ) from error


def _version() -> str:
    """The version of the tables that are there; empty where there are none yet."""
    with engine().connect() as connection:
        if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return ""
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
