"""The whole database as one file of pg_dump, written and read back by Postgres' own programs."""

import os
import subprocess
from pathlib import Path

from sqlalchemy import make_url, text

from db import engine
from db.engine import begin
from db.errors import NotReady
from db.servers import embedded
from db.settings import settings
from db.types import JobState

HOLDS = ("datasets", "jobs", "endpoints")
"""Tables that somebody filled where they have rows."""


def write(target: Path) -> None:
    """Write the database as it is at this moment, while others go on. Raises NotReady."""
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def replace(dump: Path) -> None:
    """Put a dump in the place of all tables, and bring it to the newest version. Raises NotReady; then the tables are
    there again, empty."""
    try:
        with begin() as session:
            session.execute(text("DROP SCHEMA public CASCADE"))
            session.execute(text("CREATE SCHEMA public"))
        engine.engine().dispose()
        database = make_url(settings().database).database
        _run("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", f"--dbname={database}", str(dump))
    finally:
        engine.migrate()


def counts() -> dict[str, int]:
    """Table of HOLDS -> its rows."""
    with begin() as session:
        return {table: session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in HOLDS}


def pause_all(reason: str) -> int:
    """Pause every job that is at work; how many there are."""
    with begin() as session:
        statement = text("UPDATE jobs SET state = :paused, error = :reason WHERE state = :running RETURNING id")
        values = {"paused": JobState.PAUSED, "running": JobState.RUNNING, "reason": reason}
        return len(session.execute(statement, values).all())


def _run(tool: str, *options: str) -> None:
    """Run a tool of Postgres on our database; the password travels in the environment, not in the list of processes.
    Raises NotReady with its last line."""
    url = make_url(settings().database)
    host = url.query.get("host", url.host or "")
    environment = {
        "PGHOST": str(host),
        "PGPORT": str(url.query.get("port", url.port or 5432)),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.database or "",
    }
    done = subprocess.run(
        [str(embedded.tool(tool)), *options],
        env=os.environ | {name: value for name, value in environment.items() if value},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise NotReady(f"{tool} ended with an error ({last[0]}).")
