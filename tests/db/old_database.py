"""A database as an earlier version left it: its tables by the migrations of that time, its rows from a dump.

The rows of version 0.4 (migration 0008) were made by that version itself: small tables uploaded and loaded, a
knowledge base, every technique on a few rows, fine-tunes with adapters of one layer and rank 1, a question how much
data it needs, and jobs in every state, with the packaged models and the endpoint that tests talk to. The vectors of one
table's knowledge base were left out, for they are large. A later version's rows are written by the `pg_dump` that lies
beside the embedded Postgres:

    pg_dump --data-only --no-owner --exclude-table=alembic_version DATABASE | gzip -9n > rows.sql.gz
"""

import gzip
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "db" / "migrations"
VERSION_0_4 = Path(__file__).parent / "version_0_4" / "rows.sql.gz", "0008"
"""Its rows, and the newest migration that it had."""


def make(url: str, rows: Path, revision: str) -> None:
    """Fill the empty database at `url`, which this process uses, with the tables of a migration and these rows."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    command.upgrade(config, revision)
    with gzip.open(rows, "rt", encoding="utf-8", newline="\n") as lines, psycopg.connect(url) as connection:
        load(connection, iter(lines))


def load(connection: psycopg.Connection, lines: Iterator[str]) -> None:
    """What COPY and the sequences say in a plain dump of `pg_dump --data-only`; the rest is about the session."""
    for line in lines:
        if line.startswith("COPY "):
            with connection.cursor().copy(line) as copy:
                for row in takewhile(lambda row: row != "\\.\n", lines):
                    copy.write(row)
        elif line.startswith("SELECT pg_catalog.setval("):
            connection.execute(line)
