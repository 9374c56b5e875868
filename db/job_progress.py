"""How far jobs are, how fast, and what they took, summed from their chunks: one row per chunk, none per item."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.types import JobState, Queue, Step


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Where a job stands, summed from its chunks."""

    job_id: int
    state: JobState
    step: Step | None  # the stage at work; None when final
    items_total: int
    items_done: int
    unparsed: int
    failed: int
    usd: Decimal  # so far, fixed cost included
    rows_per_second: float | None  # over the last minute of work; None before the first chunk
    eta_seconds: float | None
    chunks_total: int
    chunks_done: int
    error: str | None
    tokens_in: int = 0
    tokens_out: int = 0
    saved_usd: Decimal = Decimal(0)  # what stored answers would have cost anew
    retries: int = 0
    rate_limit_waits: int = 0
    waited_seconds: float = 0.0
    has_unknown_cost: bool = False  # nobody knows the price of something that was paid for: usd is the least
    cap_usd: Decimal | None = None
    idle_seconds: float | None = None  # of a running job: for how long a chunk of it is free and nobody takes it
    lost_usd: Decimal = Decimal(0)  # part of usd: the most that calls may have cost which brought no answer
    owner: str = ""  # of the job


_WINDOW_SECONDS = 60

_PROGRESS = f"""
SELECT j.id, j.owner, j.state, j.items_total, j.error, j.fixed_usd, j.fixed_unknown, j.spent_usd, j.cap_usd, j.lost_usd,
       j.lost_unpriced,
       -- Of a try that did not end, too: no chunk counts what it paid.
       EXISTS (SELECT FROM completions p WHERE p.job_id = j.id AND p.state = 'done' AND p.usd IS NULL) AS has_unpriced,
       coalesce(sum(c.items_done)
           FILTER (WHERE c.step IN ('load', 'index', 'train', 'tune', 'rung', 'price', 'simulate', 'race', 'leakage',
               'price-check', 'compare', 'truth', 'refit')), 0) AS done,
       coalesce(sum(c.unparsed), 0) AS unparsed, coalesce(sum(c.failed), 0) AS failed,
       coalesce(sum(c.usd) FILTER (WHERE c.step = 'price'), 0) AS usd,
       coalesce(sum(c.usd)
           FILTER (WHERE c.step IN ('fit', 'train', 'tune', 'gate')), 0) AS paid_to_fit,  -- part of fixed_usd
       coalesce(sum(c.tokens_in), 0) AS tokens_in, coalesce(sum(c.tokens_out), 0) AS tokens_out,
       coalesce(sum(c.saved_usd), 0) AS saved_usd, coalesce(sum(c.unknown_costs), 0) AS unknown_costs,
       coalesce(sum(c.retries), 0) AS retries, coalesce(sum(c.rate_limit_waits), 0) AS rate_limit_waits,
       coalesce(sum(c.waited_seconds), 0) AS waited_seconds,
       count(c.id) AS chunks_total, count(c.id) FILTER (WHERE c.state = 'done') AS chunks_done,
       CASE WHEN count(*) FILTER (WHERE c.state = 'running') = 0
                 AND bool_or(c.state = 'waiting' AND c.is_released AND coalesce(c.not_before <= now(), true)) THEN
           extract(epoch FROM now() - greatest(j.created_at, max(c.finished_at)))::float8 END AS idle_seconds,
       (array_agg(c.step ORDER BY c.step_order) FILTER (WHERE c.state IN ('waiting', 'running')))[1] AS step,
       sum(c.items_done) FILTER (WHERE c.step IN ('load', 'index', 'price')
           AND (c.state = 'running' OR c.finished_at > now() - interval '{_WINDOW_SECONDS} seconds')) AS recent,
       extract(epoch FROM coalesce(j.finished_at, now()) - greatest(
           min(c.started_at) FILTER (WHERE c.step IN ('load', 'index', 'price')
               AND (c.state = 'running' OR c.finished_at > now() - interval '{_WINDOW_SECONDS} seconds')),
           now() - interval '{_WINDOW_SECONDS} seconds')) AS span,
       extract(epoch FROM max(c.finished_at) FILTER (WHERE c.step IN ('index', 'price'))
           - min(c.started_at) FILTER (WHERE c.step IN ('index', 'price'))) AS priced_in,
       (told.values ->> 'eta_seconds')::float8 AS training_eta, (told.values ->> 'usd')::numeric AS training_usd
FROM jobs j LEFT JOIN chunks c ON c.job_id = j.id
     -- A training is one chunk, perhaps of hours, and knows best itself.
     LEFT JOIN LATERAL (SELECT p.values FROM training_points p
        WHERE p.job_id = j.id AND p.kind = 'step' ORDER BY p.step DESC LIMIT 1) AS told ON true
WHERE j.id = ANY(:ids) GROUP BY j.id, told.values ORDER BY j.id DESC
"""


def of(session: Session, job_ids: Sequence[int]) -> list[JobProgress]:
    """How far each job is, newest first."""
    return [_progress(row) for row in session.execute(text(_PROGRESS), {"ids": list(job_ids)})]


def _progress(row: Any) -> JobProgress:
    state = JobState(row.state)
    done = int(row.done)
    if state.is_final:
        speed = done / float(row.priced_in) if row.priced_in else None
    else:
        speed = float(row.recent) / float(row.span) if row.recent and row.span else None
    left = max(0, row.items_total - done)
    eta = left / speed if speed else row.training_eta
    return JobProgress(
        job_id=row.id,
        state=state,
        step=None if state.is_final or row.step is None else Step(row.step),
        items_total=row.items_total,
        items_done=done,
        unparsed=int(row.unparsed),
        failed=int(row.failed),
        # Paid calls are booked before their chunk is done; a training before its end tells what it took.
        usd=max(
            max(row.usd + row.paid_to_fit, row.spent_usd) - row.paid_to_fit + row.fixed_usd,
            row.training_usd or Decimal(0),
        ),
        rows_per_second=speed,
        eta_seconds=eta if state is JobState.RUNNING else None,
        chunks_total=row.chunks_total,
        chunks_done=row.chunks_done,
        error=row.error,
        tokens_in=int(row.tokens_in),
        tokens_out=int(row.tokens_out),
        saved_usd=row.saved_usd,
        retries=int(row.retries),
        rate_limit_waits=int(row.rate_limit_waits),
        waited_seconds=row.waited_seconds,
        has_unknown_cost=bool(row.unknown_costs or row.has_unpriced or row.lost_unpriced or row.fixed_unknown),
        cap_usd=row.cap_usd,
        idle_seconds=row.idle_seconds if state is JobState.RUNNING else None,
        lost_usd=row.lost_usd,
        owner=row.owner,
    )


def pricing_seconds(session: Session, job_ids: Sequence[int]) -> dict[int, float]:
    """Job -> seconds on the clock from the start of its first priced row to the end of its last; without those that
    priced none."""
    rows = session.execute(
        text(
            """SELECT job_id, extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds FROM chunks
               WHERE job_id = ANY(:ids) AND step = 'price' AND state = 'done' GROUP BY job_id"""
        ),
        {"ids": list(job_ids)},
    )
    return {row.job_id: row.seconds for row in rows if row.seconds is not None}


def measured_seconds(
    session: Session, technique: str, queue: Queue, spec_hash: str | None = None
) -> tuple[float, float] | None:
    """(seconds per item, seconds to fit) measured over the last finished jobs of a technique, or of one exact spec.

    Calls to an endpoint run side by side, so there the clock on the wall counts instead of the sum of waiting times.
    """
    row = session.execute(
        text(
            """SELECT sum(CASE WHEN :queue = 'endpoint' THEN extract(epoch FROM c.finished_at - c.started_at)::float8
                               ELSE c.seconds END) FILTER (WHERE c.step = 'price')
                      / nullif(sum(c.items_done) FILTER (WHERE c.step = 'price'), 0) AS per_item,
                      -- Not jobs.fixed_seconds: that holds an adapter's training, too.
                      coalesce(avg(c.seconds) FILTER (WHERE c.step = 'fit'), 0) AS fit
               FROM (SELECT * FROM jobs WHERE technique = :technique AND state = 'done' AND queue = :queue
                     AND (:spec ::text IS NULL OR spec_hash = :spec) ORDER BY id DESC LIMIT 5) j
               JOIN chunks c ON c.job_id = j.id AND c.step IN ('fit', 'price')"""
        ),
        {"technique": technique, "spec": spec_hash, "queue": queue},
    ).first()
    return (float(row.per_item), float(row.fit)) if row and row.per_item is not None else None
