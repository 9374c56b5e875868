"""The metrics of the work as a whole, read from Postgres and the broker when somebody asks for them.

Counters only grow, also where jobs are deleted: what was counted is remembered, not what is there.
"""

import threading
from datetime import datetime, timedelta
from decimal import Decimal

from kombu.exceptions import OperationalError

from db import engine, events, health
from db.engine import DatabaseAway, Session
from worker import app
from worker.telemetry import metrics

OVERLAP = timedelta(minutes=10)
"""How much further back than the last time is looked: a chunk counts as finished when its commit began, and a large one
takes a while to be seen."""


class Collector:
    """Brings the metrics up to date; what was before its first time is not counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at: datetime | None = None
        self._counted: dict[int, datetime] = {}  # chunk -> when it was counted
        self._spent: dict[int, Decimal] = {}
        self._paid: dict[tuple[int, str], Decimal] = {}
        self._event = 0

    def update(self) -> None:
        """Read anew. While the database or the broker is away its metrics stay as they were."""
        with self._lock:
            try:
                with engine.begin() as session:
                    self._read(session)
            except DatabaseAway:
                return
        try:
            lengths = app.queue_lengths()
        except (OperationalError, OSError):
            return
        for queue, length in lengths.items():
            metrics.QUEUE_MESSAGES.labels(queue).set(length)

    def _read(self, session: Session) -> None:
        moment = health.now(session)
        is_first = self._asked_at is None
        for state in health.queues(session):
            metrics.QUEUE_READY.labels(state.queue).set(state.ready)
            metrics.QUEUE_RUNNING.labels(state.queue).set(state.running)
            metrics.QUEUE_SILENT.labels(state.queue).set(state.silent)
            metrics.QUEUE_AGE.labels(state.queue).set(state.oldest_seconds)
            metrics.WORKERS.labels(state.queue).set(state.workers)
        for job_state, count in health.jobs_by_state(session).items():
            metrics.JOBS.labels(job_state).set(count)
        metrics.DATABASE_BYTES.set(health.database_bytes(session))
        metrics.DELIVERIES_WAITING.set(events.waiting(session))
        self._count_chunks(session, moment, add=not is_first)
        self._count_money(session, add=not is_first)
        self._count_events(session, add=not is_first)
        self._asked_at = moment

    def _count_chunks(self, session: Session, moment: datetime, *, add: bool) -> None:
        since = (self._asked_at or moment) - OVERLAP
        for chunk in health.done_chunks(session, since):
            if chunk.id in self._counted:
                continue
            self._counted[chunk.id] = moment
            if add:
                metrics.CHUNK_SECONDS.labels(chunk.queue, chunk.step).observe(chunk.seconds)
                metrics.ROWS.labels(chunk.queue, chunk.step).inc(chunk.rows)
                if chunk.queue != "endpoint":
                    metrics.MACHINE_USD.labels(chunk.queue).inc(float(chunk.usd))
        self._counted = {chunk: at for chunk, at in self._counted.items() if at >= since}

    def _count_money(self, session: Session, *, add: bool) -> None:
        spent = health.spent(session)
        changed = [job for job, usd in spent.items() if self._spent.get(job) != usd]
        self._spent = spent
        for paid in health.spent_by_endpoint(session, changed):
            grown = paid.usd - self._paid.get((paid.job_id, paid.endpoint), Decimal(0))
            self._paid[paid.job_id, paid.endpoint] = paid.usd
            if add and grown > 0:
                metrics.ENDPOINT_USD.labels(paid.endpoint, paid.owner).inc(float(grown))
        self._paid = {key: usd for key, usd in self._paid.items() if key[0] in spent}

    def _count_events(self, session: Session, *, add: bool) -> None:
        counts, newest = events.counted_since(session, self._event)
        self._event = newest
        for kind, count in counts.items():
            metrics.EVENTS.labels(kind).inc(count if add else 0)
