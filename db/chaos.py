"""Looks at work from outside, for `pricewright chaos`: what is under way, whether it goes on, what became of it."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A chunk that somebody works on."""

    id: int
    attempt: int
    items_done: int
    queue: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows of a pricing job."""

    asked: int  # rows in its chunks
    predictions: int
    rows: int  # different ones among the predictions
    failed: int
    chunk_rows_twice: int  # rows that stand in two chunks


def under_way(session: Session) -> list[UnderWay]:
    rows = session.execute(
        text(
            """SELECT c.id, c.attempt, c.items_done, j.queue FROM chunks c JOIN jobs j ON j.id = c.job_id
               WHERE c.state = 'running'"""
        )
    )
    return [UnderWay(*row) for row in rows]


def has_moved(session: Session, before: Collection[UnderWay]) -> bool:
    """Whether each of these chunks has ended, got further, or is in other hands."""
    rows = session.execute(
        text("SELECT id, state, attempt, items_done FROM chunks WHERE id = ANY(:ids)"),
        {"ids": [chunk.id for chunk in before]},
    )
    now = {row.id: row for row in rows}
    return all(
        chunk.id not in now
        or now[chunk.id].state in ("done", "failed")
        or now[chunk.id].attempt > chunk.attempt
        or now[chunk.id].items_done > chunk.items_done
        for chunk in before
    )


def clock(session: Session) -> float:
    """Seconds since 1970, by the database's clock."""
    return float(session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0.0)


def queue_moves(session: Session, queue: str, since: float, before: Collection[UnderWay], lease_seconds: float) -> bool:
    """Whether somebody took a chunk of a queue after a moment of `clock`, and has ended it or keeps its lease; or there
    is none that could be taken. `before`: what was under way at that moment."""
    given = {
        "queue": queue,
        "since": since,
        "before": [f"{chunk.id}:{chunk.attempt}" for chunk in before],
        "kept": lease_seconds - 2.5,
    }
    return bool(
        session.scalar(
            text(
                """SELECT EXISTS (SELECT 1 FROM chunks c JOIN jobs j ON j.id = c.job_id
                                  WHERE j.queue = :queue AND NOT (c.id || ':' || c.attempt) = ANY(:before)
                                    AND (c.finished_at > to_timestamp(:since)
                                         OR c.state = 'running'
                                            AND c.lease_until > now() + make_interval(secs => :kept)))
                       OR NOT EXISTS (SELECT 1 FROM chunks c JOIN jobs j ON j.id = c.job_id
                                      WHERE j.queue = :queue AND j.state = 'running' AND c.is_released
                                        AND c.state IN ('waiting', 'running')
                                        AND (c.not_before IS NULL OR c.not_before <= now()))"""
            ),
            given,
        )
    )


def outcome(session: Session, job_id: int) -> Outcome:
    row = session.execute(
        text(
            """WITH asked AS (SELECT unnest(rows) AS row FROM chunks WHERE job_id = :job AND step = 'price')
               SELECT (SELECT count(DISTINCT row) FROM asked) AS asked,
                      (SELECT count(*) FROM predictions WHERE job_id = :job) AS predictions,
                      (SELECT count(DISTINCT row) FROM predictions WHERE job_id = :job) AS rows,
                      (SELECT count(*) FROM predictions WHERE job_id = :job AND status <> 'ok') AS failed,
                      (SELECT count(*) - count(DISTINCT row) FROM asked) AS twice"""
        ),
        {"job": job_id},
    ).one()
    return Outcome(row.asked, row.predictions, row.rows, row.failed, row.twice)


def titles_and_prices(session: Session, job_id: int) -> list[tuple[str, float | None]]:
    """Title and predicted price of every row that a job priced."""
    rows = session.execute(
        text(
            """SELECT i.title, p.price ::float8 AS price FROM predictions p JOIN jobs j ON j.id = p.job_id
               JOIN items i ON i.dataset_id = j.dataset_id AND i.row = p.row WHERE p.job_id = :job"""
        ),
        {"job": job_id},
    )
    return [(row.title, row.price) for row in rows]


def calls_out(session: Session, job_id: int) -> int:
    """Calls of a job that may still be answered, and chunks of it that somebody works on."""
    query = """SELECT (SELECT count(*) FROM completions WHERE job_id = :job AND state = 'sent')
                    + (SELECT count(*) FROM chunks WHERE job_id = :job AND state = 'running')"""
    return int(session.scalar(text(query), {"job": job_id}) or 0)


CLOCKED = {
    "chunks": ("lease_until", "sent_at", "not_before"),
    "completions": ("lease_until",),
    "workers": ("last_seen",),
}
"""Tables with moments that are compared with the database's clock, and which."""


def shift_clock(session: Session, table: str, seconds: float) -> None:
    """Move a table's moments against the database's clock: as if that had jumped by so much."""
    changes = ", ".join(f"{column} = {column} - make_interval(secs => :jump)" for column in CLOCKED[table])
    session.execute(text(f"UPDATE {table} SET {changes}"), {"jump": seconds})


def forget_messages_of(session: Session, dataset_id: int) -> None:
    """Let a dataset's chunks wait as if no message had been sent for them: only the sweeper sends one then."""
    session.execute(
        text(
            """UPDATE chunks SET sent_at = NULL FROM jobs j
               WHERE j.id = chunks.job_id AND j.dataset_id = :dataset AND chunks.state = 'waiting'"""
        ),
        {"dataset": dataset_id},
    )
