"""Who is there to do the work: workers say hello every few seconds."""

import polars as pl
from sqlalchemy import delete, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db import engine
from db.models import WorkerRow
from db.types import Queue

ALIVE_SECONDS = 20
"""A worker silent for longer counts as gone; it says hello every 5 s."""


def hello(session: Session, name: str, queues: list[str], device: str, concurrency: int) -> None:
    values = {"queues": queues, "device": device, "concurrency": concurrency}
    statement = insert(WorkerRow).values(name=name, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values | {"last_seen": func.now()}))


def goodbye(session: Session, name: str) -> None:
    session.execute(delete(WorkerRow).where(WorkerRow.name == name))


def alive(session: Session) -> pl.DataFrame:
    """name, queues (comma separated), device, concurrency, last_seen of the workers that are there."""
    return engine.copy_out(
        session,
        "SELECT name, array_to_string(queues, ', '), device, concurrency, "
        "to_char(last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM workers "
        "WHERE last_seen > now() - make_interval(secs => %s) ORDER BY name",
        {
            "name": pl.String,
            "queues": pl.String,
            "device": pl.String,
            "concurrency": pl.Int64,
            "last_seen": pl.String,
        },
        (ALIVE_SECONDS,),
    )


def serves(session: Session, queue: Queue) -> bool:
    """Whether somebody is there to take work from this queue."""
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT 1 FROM workers WHERE :queue = ANY(queues) "
                "AND last_seen > now() - make_interval(secs => :alive))"
            ),
            {"queue": queue, "alive": ALIVE_SECONDS},
        )
    )
