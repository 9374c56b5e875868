"""What happened lately that people may want to be told of."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

LATELY = "interval '1 day'"
"""How far back is looked: longer than the control worker is ever away without somebody noticing."""

_OWNER = "coalesce(to_jsonb(j) ->> 'owner', '') AS owner"


def ended_jobs(session: Session) -> Sequence[Row[Any]]:
    """Jobs that were done or failed lately: job_id, kind, state, technique, name, error, usd, owner, dataset_id,
    dataset, finished_at."""
    return session.execute(
        text(
            f"""SELECT j.id AS job_id, j.kind, j.state, j.technique, j.name, j.error, j.spent_usd AS usd, {_OWNER},
                    d.id AS dataset_id, d.name AS dataset, j.finished_at
                FROM jobs j JOIN datasets d ON d.id = j.dataset_id
                WHERE j.state IN ('done', 'failed') AND j.finished_at > now() - {LATELY} ORDER BY j.finished_at"""
        )
    ).all()


def capped_jobs(session: Session) -> Sequence[Row[Any]]:
    """Jobs that wait because their cap leaves no room: job_id, cap_usd, spent_usd, error, owner, dataset_id,
    dataset."""
    return session.execute(
        text(
            f"""SELECT j.id AS job_id, j.cap_usd, j.spent_usd, j.error, {_OWNER}, d.id AS dataset_id, d.name AS dataset
                FROM jobs j JOIN datasets d ON d.id = j.dataset_id
                WHERE j.state = 'paused' AND starts_with(j.error, 'The cap of ') ORDER BY j.id"""
        )
    ).all()


def measured_batches(session: Session) -> Sequence[Row[Any]]:
    """Priced files whose real prices came lately: batch_id, pricer, truth, dataset_id."""
    return session.execute(
        text(
            f"""SELECT b.id AS batch_id, b.pricer_name AS pricer, b.truth, b.dataset_id FROM pricer_batches b
                WHERE b.truth IS NOT NULL AND EXISTS (
                    SELECT 1 FROM jobs j WHERE j.kind = 'truth' AND j.state = 'done' AND j.dataset_id = b.dataset_id
                      AND j.finished_at > now() - {LATELY}) ORDER BY b.id"""
        )
    ).all()


def stale_bases(session: Session) -> Sequence[Row[Any]]:
    """Knowledge bases whose schedule was not kept twice in a row: dataset_id, dataset, every_seconds, since."""
    return session.execute(
        text(
            """SELECT d.id AS dataset_id, d.name AS dataset, b.refresh_seconds AS every_seconds,
                   coalesce(b.refreshed_at, b.created_at) AS since
               FROM knowledge_bases b JOIN datasets d ON d.id = b.dataset_id
               WHERE b.refresh_seconds IS NOT NULL AND coalesce(b.refreshed_at, b.created_at)
                   < now() - make_interval(secs => greatest(600, 2 * b.refresh_seconds)) ORDER BY d.id"""
        )
    ).all()
