"""The databases of the tests: copies of a template, emptied between tests while they still have its tables.

A copy is some 300 files and costs Postgres 0.2 seconds; emptying writes only the tables that a test has filled.
"""

import os

import psycopg

from db import engine
from db.servers import embedded
from db.settings import settings

CARELESS = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")

# Takes what ended tests left open, their rows, and the numbers their sequences had come to.
_EMPTY = """DO $$
DECLARE
    name text;
    is_filled boolean;
    filled text[];
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO is_filled;
        IF is_filled AND name <> 'alembic_version' THEN filled := filled || name; END IF;
    END LOOP;
    IF filled IS NOT NULL THEN EXECUTE 'TRUNCATE ' || array_to_string(filled, ', ') || ' CASCADE'; END IF;
    PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$"""

# What says that the tables are still those of the template, as one text.
_SHAPE = """
    SELECT md5(string_agg(concat_ws(' ', c.oid, relname, attname, atttypid, attnotnull, atthasdef, version_num), ','
                          ORDER BY c.oid, attnum))
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid, alembic_version
    WHERE relnamespace = 'public'::regnamespace
"""


def database_url(name: str) -> str:
    """The address of a database of the tests' server."""
    return f"postgresql://{embedded.USER}@/{name}?host={settings().run_dir}"


def use_database(url: str) -> None:
    """Point this process at another database (empty = the embedded one)."""
    engine.engine().dispose()
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
        self._shape = ""

    def freshen(self) -> None:
        """Empty it; where there is none yet or a test has changed its tables, copy it anew."""
        if not self._is_emptied():
            self.close()
            remake_database(self._name, self._template)
            self._connection = psycopg.connect(self.url, autocommit=True)
            self._shape = self._empty(self._connection)

    def _is_emptied(self) -> bool:
        try:
            return self._connection is not None and self._empty(self._connection) == self._shape
        except psycopg.Error:  # a test took the connection, or a table
            return False

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def _empty(self, connection: psycopg.Connection) -> str:
        connection.execute(_EMPTY)
        [(shape,)] = connection.execute(_SHAPE).fetchall()
        return str(shape)
