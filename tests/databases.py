"""The databases of the tests: copies of a template, emptied between tests while they still have its tables.

A copy is some 300 files and costs Postgres 0.2 seconds; emptying writes only the tables that a test has filled. What
several tests begin with is made once and put back for the others.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Engine, create_engine

from db import engine
from db.servers import embedded
from db.settings import settings

CARELESS = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")

# Takes what ended tests left open, and the numbers their sequences had come to.
_END = """DO $$
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$"""

_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"

_LARGE = 2**20
"""Bytes of a table: with fewer, its rows are taken out one by one; TRUNCATE makes the files of all tables that refer to
it anew, which takes Postgres ten times as long."""

# What says that the tables are still those of the template, as one text.
_SHAPE = """
    SELECT md5(string_agg(concat_ws(' ', c.oid, relname, attname, atttypid, attnotnull, atthasdef, version_num), ','
                          ORDER BY c.oid, attnum))
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid, alembic_version
    WHERE relnamespace = 'public'::regnamespace
"""


_NUMBERS = """
    SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL
"""

Made = TypeVar("Made")


@dataclass(frozen=True)
class Remembered:
    """What a database held, and what its maker gave back."""

    made: Any
    rows: dict[str, bytes]
    """Table -> its rows, as COPY writes them."""

    numbers: list[tuple[str, int]]
    """Sequences, and the last number that each gave."""


_engines: dict[str, Engine] = {}


def _engine_of(url: str, **how: Any) -> Engine:
    """The engine of a database for the whole run: it keeps the statements that it has compiled, but no connection."""
    if url not in _engines:
        _engines[url] = create_engine(url, **how)
    return _engines[url]


setattr(engine, "create_engine", _engine_of)  # noqa: B010 - the module does not offer it


def database_url(name: str) -> str:
    """The address of a database of the tests' server."""
    return f"postgresql://{embedded.USER}@/{name}?host={settings().run_dir}"


def use_database(url: str) -> None:
    """Point this process at another database (empty = the embedded one)."""
    for each in _engines.values():
        each.dispose()
    engine.engine.cache_clear()
    os.environ["PRICEWRIGHT_DATABASE_URL"] = url
    settings.cache_clear()


def forget_the_disk() -> None:
    """Let the running server wait for no disk: nothing of a test has to outlive the machine."""
    for setting in CARELESS:
        administer(f"ALTER SYSTEM SET {setting}")
    administer("SELECT pg_reload_conf()")


def administer(statement: str) -> None:
    """One statement of the administrator's, outside of any transaction."""
    with psycopg.connect(database_url("postgres"), autocommit=True) as connection:
        connection.execute(statement)


def remake_database(name: str, template: str = "template1") -> None:
    """A database that is a copy of the template, in place of one of the same name."""
    administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    administer(f"CREATE DATABASE {name} TEMPLATE {template}")


class Emptied:
    """A database that is as fresh as a new copy of its template, and seldom is one."""

    def __init__(self, name: str, template: str) -> None:
        self.url = database_url(name)
        self._name, self._template = name, template
        self._connection: psycopg.Connection | None = None
        self._shape = self._filled = ""
        self._remembered: dict[Callable[..., Any], Remembered] = {}

    def freshen(self) -> None:
        """Empty it; where there is none yet or a test has changed its tables, copy it anew."""
        if not self._is_emptied():
            self.close()
            remake_database(self._name, self._template)
            self._connection = psycopg.connect(self.url, autocommit=True)
            # All that refers to a row goes with it: nobody has to look whether something does.
            self._connection.execute("SET session_replication_role = replica")
            self._filled = " UNION ALL ".join(
                f"SELECT '{name}', pg_relation_size('{name}') > {_LARGE} WHERE EXISTS (SELECT FROM {name})"
                for (name,) in self._connection.execute(_TABLES)
            )
            self._shape = self._empty(self._connection)

    def remembered(self, make: Callable[..., Made], *about: Any) -> Made:
        """What `make(*about)` gave when it was first called with a database without rows, in a database as it left it.

        `make` is a function of a module, takes the same each time, writes no files, and gives what nobody changes.
        Where there are rows already, it is called.
        """
        assert self._connection is not None, "It needs a database."
        if self._connection.execute(self._filled).fetchall():
            return make(*about)
        if make not in self._remembered:
            made = make(*about)
            rows = {name: self._copied(name) for name, _ in self._connection.execute(self._filled).fetchall()}
            self._remembered[make] = Remembered(made, rows, self._connection.execute(_NUMBERS).fetchall())
            return made
        past = self._remembered[make]
        for name, lines in past.rows.items():
            with self._connection.cursor().copy(f"COPY {name} FROM STDIN (FORMAT binary)") as copy:
                copy.write(lines)
        for name, number in past.numbers:
            self._connection.execute("SELECT setval(%s, %s)", [name, number])
        # Bear the name and the time of a job, which is now the same job for several tests.
        shutil.rmtree(settings().home / "snapshots", ignore_errors=True)
        return past.made  # type: ignore[no-any-return]

    def _copied(self, name: str) -> bytes:
        assert self._connection is not None
        with self._connection.cursor().copy(f"COPY {name} TO STDOUT (FORMAT binary)") as copy:
            return b"".join(copy)

    def _is_emptied(self) -> bool:
        try:
            return self._connection is not None and self._empty(self._connection) == self._shape
        except psycopg.Error:  # a test took the connection, or a table
            return False

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def _empty(self, connection: psycopg.Connection) -> str:
        connection.execute(_END)
        filled: dict[str, bool] = dict(connection.execute(self._filled).fetchall())
        if any(filled.values()):
            connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        elif filled:
            connection.execute("; ".join(f"DELETE FROM {name}" for name in filled))
            connection.execute(f"VACUUM {', '.join(filled)}")  # so that rows lie in the order in which they come
        [(shape,)] = connection.execute(_SHAPE).fetchall()
        return str(shape)
