"""How the work goes on, as those ask who run it: what waits on each queue, who holds what, what is done and paid."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.turns import READY
from db.types import JobState, Queue
from db.workers import ALIVE_SECONDS

STUCK_SECONDS = 60
"""A queue whose oldest message is older, while nobody works on anything of it, does not move. Messages that got lost
are sent again much earlier."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """What is on a queue now."""

    queue: Queue
    ready: int = 0  # chunks that could be worked on now
    running: int = 0  # held by somebody who says so
    silent: int = 0  # held by somebody whose lease ran out
    oldest_seconds: float = 0.0  # age of the oldest message whose chunk nobody has taken; 0: none waits
    workers: int = 0

    @property
    def is_stuck(self) -> bool:
        return self.oldest_seconds > STUCK_SECONDS and not self.running


def queues(session: Session) -> list[QueueState]:
    """Every queue as it is now."""
    found = session.execute(
        text(
            f"""SELECT j.queue,
                   count(*) FILTER (WHERE {READY}) AS ready,
                   count(*) FILTER (WHERE c.state = 'running' AND c.lease_until >= now()) AS running,
                   count(*) FILTER (WHERE c.state = 'running' AND c.lease_until < now()) AS silent,
                   extract(epoch FROM now() - min(c.sent_at) FILTER (WHERE {READY})) ::float8 AS oldest
                FROM jobs j JOIN chunks c ON c.job_id = j.id
                WHERE j.state IN ('running', 'paused') AND c.state IN ('waiting', 'running') GROUP BY j.queue"""
        )
    ).all()
    there: Mapping[str, int] = dict(
        session.execute(
            text(
                """SELECT queue, count(*) FROM workers, unnest(queues) AS queue
                   WHERE last_seen > now() - make_interval(secs => :alive) GROUP BY queue"""
            ),
            {"alive": ALIVE_SECONDS},
        ).all()
    )
    states = {
        Queue(row.queue): QueueState(Queue(row.queue), row.ready, row.running, row.silent, row.oldest or 0.0)
        for row in found
    }
    return [
        QueueState(queue, known.ready, known.running, known.silent, known.oldest_seconds, there.get(queue, 0))
        for queue in Queue
        for known in [states.get(queue, QueueState(queue))]
    ]


def live_pids(session: Session, host: str) -> set[int]:
    """Processes of a host that hold a chunk and say so. An owner's name begins with its host and ends with its
    process's number."""
    query = text(
        """SELECT DISTINCT split_part(owner, ':', -1) ::int FROM chunks
           WHERE state = 'running' AND lease_until >= now() AND starts_with(owner, :host)"""
    )
    return set(session.scalars(query, {"host": host}))


def silent_chunks(session: Session) -> int:
    """How many chunks are held by somebody whose lease ran out."""
    query = text("SELECT count(*) FROM chunks WHERE state = 'running' AND lease_until < now()")
    return int(session.scalar(query) or 0)


@dataclass(frozen=True, slots=True)
class DoneChunk:
    id: int
    queue: Queue
    step: str
    seconds: float  # from its first try on
    rows: int
    usd: Decimal  # of the machine's time; of an endpoint's queue: of the calls


def now(session: Session) -> datetime:
    """The time by the database's clock."""
    moment: datetime = session.execute(text("SELECT now()")).scalar_one()
    return moment


def done_chunks(session: Session, since: datetime) -> list[DoneChunk]:
    """Chunks that were finished since then."""
    rows = session.execute(
        text(
            """SELECT c.id, j.queue, c.step,
                   extract(epoch FROM c.finished_at - coalesce(c.started_at, c.finished_at)) ::float8 AS seconds,
                   c.items_done, c.usd
               FROM jobs j JOIN chunks c ON c.job_id = j.id
               WHERE (j.finished_at IS NULL OR j.finished_at >= :since) AND c.state = 'done'
                 AND c.finished_at >= :since"""
        ),
        {"since": since},
    )
    return [DoneChunk(r.id, Queue(r.queue), r.step, max(0.0, r.seconds), r.items_done, r.usd) for r in rows]


def spent(session: Session) -> dict[int, Decimal]:
    """Job -> what it paid to endpoints so far, of jobs that paid anything."""
    return dict(session.execute(text("SELECT id, spent_usd FROM jobs WHERE spent_usd > 0")).all())


@dataclass(frozen=True, slots=True)
class Spent:
    job_id: int
    endpoint: str
    owner: str  # whose job it is; "": nobody's
    usd: Decimal


def spent_by_endpoint(session: Session, job_ids: Collection[int]) -> list[Spent]:
    """What these jobs paid to each endpoint so far, lost calls at the most that they may have cost."""
    rows = session.execute(
        text(
            """SELECT m.job_id, m.endpoint, coalesce(to_jsonb(j) ->> 'owner', '') AS owner, m.usd
               FROM (SELECT job_id, endpoint, sum(coalesce(usd, 0) + lost_usd) AS usd FROM completions
                     WHERE job_id = ANY(:jobs) GROUP BY job_id, endpoint) m
               JOIN jobs j ON j.id = m.job_id"""
        ),
        {"jobs": list(job_ids)},
    )
    return [Spent(r.job_id, r.endpoint, r.owner, r.usd) for r in rows]


def schema_version(session: Session) -> str:
    """The number of the newest migration that the database has."""
    return str(session.scalar(text("SELECT version_num FROM alembic_version")) or "")


def jobs_by_state(session: Session) -> dict[JobState, int]:
    """State -> how many jobs are in it; every state."""
    found: Mapping[str, int] = dict(session.execute(text("SELECT state, count(*) FROM jobs GROUP BY state")).all())
    return {state: found.get(state, 0) for state in JobState}


def database_bytes(session: Session) -> int:
    return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
