"""Recovery of work: what crashes leave behind is repaired, and what failed is made to run again."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from db import chunks, jobs
from db.set_aside import STAYS_RESERVED
from db.settings import settings
from db.turns import READY
from db.types import Step

FILE_ATTEMPTS = 2
"""How often a file may kill the worker that reads it: once may be chance, and nobody else can upload meanwhile."""


def reopen_failed(session: Session, job_id: int) -> int:
    """Prepare a retry of just what failed; returns the number of chunks that will run.

    Chunks that failed for good wait again. Predictions with status `failed` are deleted and their rows move to a new
    chunk, so that nothing that succeeded (and was paid for) is done twice. The evaluation is done anew.
    """
    failed_chunks = session.execute(
        text(
            f"""UPDATE chunks SET state = 'waiting', failures = 0, sent_at = NULL,
                    reserved_usd = {STAYS_RESERVED}
                WHERE job_id = :job AND state = 'failed' RETURNING id"""
        ),
        {"job": job_id},
    ).all()
    _take_off_the_books(session, job_id)
    rows = list(
        session.scalars(
            text("DELETE FROM predictions WHERE job_id = :job AND status = 'failed' RETURNING row"), {"job": job_id}
        )
    )
    if rows:
        session.execute(
            text(
                """UPDATE chunks SET failed = 0, items_done = items_done - failed,
                       rows = ARRAY(SELECT unnest(rows) EXCEPT SELECT unnest(:rows ::bigint[]))
                   WHERE job_id = :job AND step = 'price' AND failed > 0"""
            ),
            {"job": job_id, "rows": rows},
        )
        chunks.add(session, job_id, Step.PRICE, [rows])
    reopened = len(failed_chunks) + (1 if rows else 0)
    if reopened:
        session.execute(
            text(
                "UPDATE chunks SET state = 'waiting', sent_at = NULL, finished_at = NULL "
                "WHERE job_id = :job AND step = 'evaluate'"
            ),
            {"job": job_id},
        )
    return reopened


def _take_off_the_books(session: Session, job_id: int) -> None:
    """What failed rows paid an endpoint is booked again with their next try, which finds those answers stored.

    The machine's hours behind a failed row of a local model are gone: they stay.
    """
    session.execute(
        text(
            """UPDATE chunks c SET usd = c.usd - f.usd, saved_usd = c.saved_usd - f.saved_usd,
                   tokens_in = c.tokens_in - f.tokens_in, tokens_out = c.tokens_out - f.tokens_out,
                   unknown_costs = c.unknown_costs - f.unknown_costs
               FROM (SELECT k.id, coalesce(sum(p.usd), 0) ::numeric AS usd, sum(p.saved_usd) ::numeric AS saved_usd,
                            sum(p.tokens_in) AS tokens_in, sum(p.tokens_out) AS tokens_out,
                            count(*) FILTER (WHERE p.usd IS NULL) AS unknown_costs
                     FROM jobs j JOIN chunks k ON k.job_id = j.id AND k.step = 'price' AND k.failed > 0
                     JOIN predictions p ON p.job_id = j.id AND p.status = 'failed' AND p.row = ANY(k.rows)
                     WHERE j.id = :job AND j.queue = 'endpoint' GROUP BY k.id) f
               WHERE c.id = f.id"""
        ),
        {"job": job_id},
    )


def holders(session: Session, prefix: str) -> dict[str, bool]:
    """Who of the owners whose names begin so has a chunk in hand -> whether a lease on one still runs."""
    rows = session.execute(
        text(
            """SELECT owner, bool_or(lease_until >= now()) AS runs FROM chunks
               WHERE state = 'running' AND starts_with(owner, :prefix) GROUP BY owner"""
        ),
        {"prefix": prefix},
    )
    return {row.owner: bool(row.runs) for row in rows}


def release(session: Session, owners: Sequence[str]) -> None:
    """End the leases of owners who are known to be dead: the next sweep hands their chunks out again."""
    session.execute(
        text(
            """UPDATE chunks SET lease_until = now() - interval '1 second'
               WHERE state = 'running' AND owner = ANY(:owners) AND lease_until >= now()"""
        ),
        {"owners": list(owners)},
    )


def sweep(session: Session, *, attempts: int, quiet_seconds: int, idle_queues: Sequence[str]) -> list[int]:
    """Repair what crashes leave behind; returns the jobs that have chunks to send.

    A running chunk whose lease ran out waits again (or fails after `attempts` tries, a file that is read after
    FILE_ATTEMPTS). Where answers are stored one by one, or a training goes on from a checkpoint, a try that got further
    than any before is not held against the chunk, nor are those before it: it would end, given enough tries. On a queue
    that is empty, a waiting chunk whose message is older than `quiet_seconds` was lost with the broker or a worker: it
    is sent again. What lies in the future was written before the database's clock was set back.
    """
    session.execute(
        text(
            """UPDATE chunks SET lease_until = now() + make_interval(secs => :lease)
               WHERE state = 'running' AND lease_until > now() + make_interval(secs => 2 * :lease)"""
        ),
        {"lease": settings().lease_seconds},
    )
    session.execute(
        text(
            f"""UPDATE chunks SET {chunks.after_failure("died.failures", "died.allowed")},
                   furthest = greatest(furthest, items_done),
                   error = CASE WHEN died.is_file
                       THEN 'The worker died while it read this file (tries: ' || died.failures || '), most likely for '
                           || 'want of memory; save the table as a plain CSV, or in parts, and upload that.'
                       ELSE 'The worker died ' || died.failures || ' times while it worked on this part '
                           || 'of the job without getting further.' END
               FROM (SELECT c.id, reads.is_file,
                            CASE WHEN reads.is_file THEN least(:attempts, :file_attempts) ELSE :attempts END AS allowed,
                            CASE WHEN (j.queue = 'endpoint' OR c.step = 'train') AND c.items_done > c.furthest
                                             THEN 0 ELSE c.failures + 1 END AS failures
                     FROM chunks c JOIN jobs j ON j.id = c.job_id
                     CROSS JOIN LATERAL (SELECT c.step IN ('inspect', 'load')
                                             OR c.step = 'index' AND j.spec -> 'changes' IS NOT NULL AS is_file) reads
                     WHERE c.state = 'running' AND c.lease_until < now() FOR UPDATE OF c SKIP LOCKED) died
               WHERE chunks.id = died.id"""
        ),
        {"attempts": attempts, "file_attempts": FILE_ATTEMPTS},
    )
    session.execute(
        text(
            """UPDATE chunks c SET sent_at = NULL FROM jobs j
               WHERE j.id = c.job_id AND j.state = 'running' AND j.queue = ANY(:queues) AND c.state = 'waiting'
                 AND (c.sent_at < now() - make_interval(secs => :quiet) OR c.sent_at > now() + interval '2 seconds')"""
        ),
        {"queues": list(idle_queues), "quiet": quiet_seconds},
    )
    for job_id in session.scalars(
        text(
            """SELECT j.id FROM jobs j WHERE j.state = 'running' AND (
                   NOT EXISTS (SELECT 1 FROM chunks c WHERE c.job_id = j.id AND c.state IN ('waiting', 'running'))
                   OR EXISTS (SELECT 1 FROM chunks c WHERE c.job_id = j.id AND c.state = 'failed'))"""
        )
    ).all():
        jobs.settle(session, job_id)
    return list(
        session.scalars(
            text(
                f"""SELECT DISTINCT j.id FROM chunks c JOIN jobs j ON j.id = c.job_id
                    WHERE c.sent_at IS NULL AND {READY}
                    ORDER BY j.id"""
            )
        )
    )
