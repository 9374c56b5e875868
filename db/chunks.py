"""The units of a job's work: who may do one, under a lease; how it ends; and what crashes leave behind.

Every change of a chunk's state is here. `attempt` is a fencing token: whoever holds an old one can't write.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from db.errors import NotFound
from db.models import ChunkRow
from db.turns import READY, expected_seconds
from db.types import Chunk, JobState, Step

MESSAGES_AHEAD = 4
"""Messages of one job that may lie in the queue at once: enough to keep a worker fed, few enough that seeing whose turn
it is stays cheap."""

FILE_ATTEMPTS = 2
"""How often a file may kill the worker that reads it: once may be chance, and nobody else can upload meanwhile."""


# What is set aside for a batch stays so until the batch ends, whoever holds the chunk meanwhile.
_BATCH_IS_OUT = "EXISTS (SELECT 1 FROM batches b WHERE b.chunk_id = chunks.id AND b.finished_at IS NULL)"


def add(session: Session, job_id: int, step: Step, pieces: Sequence[list[int]]) -> None:
    """More work for a job that is not over, found out by a chunk that is about to end. It is expected to take as long
    for a row as the job's other chunks of the step."""
    if pieces:
        each = session.scalar(
            text(
                """SELECT sum(expected_seconds) / nullif(sum(cardinality(rows)), 0) FROM chunks
                   WHERE job_id = :job AND step = :step"""
            ),
            {"job": job_id, "step": step},
        )
        session.execute(
            insert(ChunkRow),
            [
                {
                    "job_id": job_id,
                    "step": step,
                    "step_order": step.order,
                    "rows": rows,
                    "expected_seconds": expected_seconds(step, rows, {step: each} if each else {}),
                }
                for rows in pieces
            ],
        )


def to_send(session: Session, job_id: int) -> list[int]:
    """Ready chunks to name in messages now; marks them as sent. Tops the job up to MESSAGES_AHEAD in the queue."""
    return list(
        session.scalars(
            text(
                f"""UPDATE chunks SET sent_at = now() WHERE id IN (
                    SELECT c.id FROM chunks c JOIN jobs j ON j.id = c.job_id
                    WHERE c.job_id = :job AND c.sent_at IS NULL AND {READY}
                    ORDER BY c.id
                    LIMIT greatest(0, :ahead - (SELECT count(*) FROM chunks s WHERE s.job_id = :job
                                                AND s.state = 'waiting' AND s.sent_at IS NOT NULL))
                    FOR UPDATE OF c SKIP LOCKED)
                RETURNING id"""
            ),
            {"job": job_id, "ahead": MESSAGES_AHEAD},
        )
    )


def closing(session: Session, job_id: int) -> int | None:
    """The chunk that measures a job whose other chunks are done; None as long as one is not, and afterwards."""
    found: int | None = session.scalar(
        text(
            f"""SELECT c.id FROM chunks c JOIN jobs j ON j.id = c.job_id
                WHERE c.job_id = :job AND c.step = :step AND {READY} LIMIT 1"""
        ),
        {"job": job_id, "step": Step.EVALUATE},
    )
    return found


def claim(session: Session, chunk_id: int, owner: str, lease_seconds: int) -> Chunk | None:
    """Take the lease on a chunk. None when there is nothing to do: done, held by somebody alive, paused, not ready."""
    row = session.execute(
        text(
            f"""UPDATE chunks SET state = 'running', owner = :owner, attempt = attempt + 1, error = NULL,
                    not_before = NULL, reserved_usd = CASE WHEN {_BATCH_IS_OUT} THEN reserved_usd ELSE 0 END,
                    lease_until = now() + make_interval(secs => :lease), started_at = coalesce(started_at, now())
                WHERE id = (SELECT c.id FROM chunks c JOIN jobs j ON j.id = c.job_id WHERE c.id = :chunk
                            AND {READY} FOR UPDATE OF c SKIP LOCKED)
                RETURNING id, job_id, step, rows, attempt"""
        ),
        {"chunk": chunk_id, "owner": owner, "lease": lease_seconds},
    ).first()
    return Chunk(row.id, row.job_id, Step(row.step), list(row.rows), row.attempt) if row else None


def beat(session: Session, chunk: Chunk, lease_seconds: int, items_done: int) -> bool:
    """Extend the lease and say how far the chunk is. False when work should stop: lease lost, job cancelled,
    or a training paused, which is one chunk of hours and goes on from its checkpoint; other chunks end in seconds.

    Without waiting for the disk: losing a heartbeat in a crash costs nothing.
    """
    session.execute(text("SET LOCAL synchronous_commit = off"))
    return (
        session.scalar(
            text(
                """UPDATE chunks SET lease_until = now() + make_interval(secs => :lease), items_done = :done
                WHERE id = :chunk AND attempt = :attempt AND state = 'running'
                RETURNING (SELECT j.state <> 'cancelled' AND NOT (j.state = 'paused' AND chunks.step = 'train')
                           FROM jobs j WHERE j.id = chunks.job_id)"""
            ),
            {"chunk": chunk.id, "attempt": chunk.attempt, "lease": lease_seconds, "done": items_done},
        )
        is True
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """What one run of a chunk adds to the job's books."""

    items: int = 0
    unparsed: int = 0
    failed: int = 0
    usd: Decimal = Decimal(0)
    seconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    saved_usd: Decimal = Decimal(0)
    unknown_costs: int = 0  # answers that were paid for at a price nobody knows
    retries: int = 0
    rate_limit_waits: int = 0
    waited_seconds: float = 0.0


def finish(session: Session, chunk: Chunk, tally: Tally) -> bool:
    """Mark the chunk done under its fencing token and close the job after its last one.

    False when the lease was lost or the job cancelled: the caller must roll back, predictions included. The job's row
    is locked, so that of two chunks that end at the same moment one sees the other and closes the job.
    """
    state = session.scalar(text("SELECT state FROM jobs WHERE id = :job FOR UPDATE"), {"job": chunk.job_id})
    if state in (None, JobState.CANCELLED):
        return False
    held = session.execute(
        text(
            """UPDATE chunks SET state = 'done', lease_until = NULL, finished_at = now(), items_done = :items,
                   reserved_usd = 0, unparsed = :unparsed, failed = :failed, usd = :usd, seconds = :seconds,
                   tokens_in = :tokens_in, tokens_out = :tokens_out, saved_usd = :saved_usd,
                   unknown_costs = :unknown_costs, retries = retries + :retries,
                   rate_limit_waits = rate_limit_waits + :rate_limit_waits,
                   waited_seconds = waited_seconds + :waited_seconds
               WHERE id = :chunk AND attempt = :attempt AND state = 'running' RETURNING id"""
        ),
        {"chunk": chunk.id, "attempt": chunk.attempt} | asdict(tally),
    ).first()
    if held is None:
        return False
    settle(session, chunk.job_id)
    return True


def is_held(session: Session, chunk: Chunk, *, even_cancelled: bool = False) -> bool:
    """Whether what this transaction wrote along the way may stay: the chunk is still in the hands of who asks, and its
    job was not cancelled unless that does not matter.

    To be asked last and followed by the commit: until then nobody else takes the chunk or ends it. Asked first, it
    would keep the lease from being extended for as long as a large checkpoint takes.
    """
    query = text(
        """SELECT 1 FROM chunks c JOIN jobs j ON j.id = c.job_id
           WHERE c.id = :chunk AND c.attempt = :attempt AND c.state = 'running'
             AND (:even OR j.state <> 'cancelled')
           FOR UPDATE OF c"""
    )
    given = {"chunk": chunk.id, "attempt": chunk.attempt, "even": even_cancelled}
    return session.scalar(query, given) is not None


def settle(session: Session, job_id: int) -> None:
    """Close a job whose last chunk is done, or one that a chunk failed for good; a file that could not be read fails
    with it: where it was looked at before, it can be looked at or loaded in another way."""
    session.execute(
        text(
            """WITH closed AS (
                   UPDATE jobs SET
                       state = CASE WHEN s.failed > 0 THEN 'failed' ELSE 'done' END,
                       error = coalesce(jobs.error, s.error), finished_at = now()
                   FROM (SELECT count(*) FILTER (WHERE state = 'failed') AS failed,
                                count(*) FILTER (WHERE state IN ('waiting', 'running')) AS open,
                                max(error) FILTER (WHERE state = 'failed') AS error
                         FROM chunks WHERE job_id = :job) s
                   WHERE jobs.id = :job AND jobs.state IN ('running', 'paused') AND (s.failed > 0 OR s.open = 0)
                   RETURNING jobs.dataset_id, jobs.kind, jobs.state, jobs.error)
               UPDATE datasets SET state = 'failed', error = closed.error FROM closed
               WHERE datasets.id = closed.dataset_id AND closed.state = 'failed'
                 AND closed.kind IN ('inspect', 'load')"""
        ),
        {"job": job_id},
    )
    _say_why_nothing(session, job_id)


def _say_why_nothing(session: Session, job_id: int) -> None:
    """A pricing job that is done without a single price says so, with what happened to most of its rows."""
    session.execute(
        text(
            """UPDATE jobs SET error = 'None of the ' || told.rows || ' rows got a price: '
                   || coalesce(told.reason, 'no answer could be read as one') || '.'
               FROM (SELECT count(*) AS rows,
                            -- '' for an answer that came and could not be read
                            nullif(rtrim(mode() WITHIN GROUP (ORDER BY coalesce(evidence ->> 'error', '')), '.'), '')
                                AS reason
                     FROM predictions WHERE job_id = :job) told
               WHERE jobs.id = :job AND jobs.kind = 'price' AND jobs.state = 'done' AND jobs.error IS NULL
                 AND told.rows > 0
                 AND NOT EXISTS (SELECT 1 FROM predictions WHERE job_id = :job AND status = 'ok')"""
        ),
        {"job": job_id},
    )


def give_back(session: Session, chunk: Chunk, after_seconds: float = 0) -> None:
    """Return a chunk unfinished and unblamed: the worker stops, the job was cancelled, or the answers come later."""
    session.execute(
        text(
            f"""UPDATE chunks SET state = 'waiting', lease_until = NULL, sent_at = NULL, items_done = 0,
                   reserved_usd = CASE WHEN {_BATCH_IS_OUT} THEN reserved_usd ELSE 0 END,
                   not_before = now() + make_interval(secs => :after)
               WHERE id = :chunk AND attempt = :attempt AND state = 'running'"""
        ),
        {"chunk": chunk.id, "attempt": chunk.attempt, "after": after_seconds},
    )


def wake_chunk(session: Session, chunk_id: int) -> None:
    """What a deferred chunk waited for is there: the next sweep sends it."""
    session.execute(text("UPDATE chunks SET not_before = NULL WHERE id = :chunk"), {"chunk": chunk_id})


def reserve(session: Session, chunk: Chunk, usd: Decimal) -> bool:
    """Set `usd` aside for calls this chunk is about to pay, in place of what it had set aside. False = over the cap.

    The job's row is locked, so that two workers can't set the same money aside. What a call paid is booked in
    `spent_usd` as it happens; until the chunk reserves anew it counts twice, which errs on the safe side. Raises
    NotFound when the job was deleted.
    """
    money = session.execute(
        text("SELECT cap_usd, spent_usd FROM jobs WHERE id = :job FOR UPDATE"), {"job": chunk.job_id}
    ).one_or_none()
    if money is None:
        raise NotFound(f"There is no job {chunk.job_id} any more.")
    cap, spent = money
    if usd and cap is not None:
        others = session.scalar(
            text("SELECT coalesce(sum(reserved_usd), 0) FROM chunks WHERE job_id = :job AND id <> :chunk"),
            {"job": chunk.job_id, "chunk": chunk.id},
        )
        if spent + others + usd > cap:
            return False
    session.execute(
        text("UPDATE chunks SET reserved_usd = :usd WHERE id = :chunk AND attempt = :attempt"),
        {"usd": usd, "chunk": chunk.id, "attempt": chunk.attempt},
    )
    return True


def book_trouble(
    session: Session, chunk: Chunk, *, retries: int = 0, rate_limit_waits: int = 0, waited_seconds: float = 0.0
) -> None:
    """Keep what an unfinished try of a chunk went through; `finish` adds that of the last one."""
    session.execute(
        text(
            """UPDATE chunks SET retries = retries + :retries, waited_seconds = waited_seconds + :waited,
                   rate_limit_waits = rate_limit_waits + :waits WHERE id = :chunk"""
        ),
        {"chunk": chunk.id, "retries": retries, "waits": rate_limit_waits, "waited": waited_seconds},
    )


def fail(session: Session, chunk: Chunk, error: str, *, attempts: int) -> None:
    """Book a failed try: the chunk waits again, or after `attempts` tries fails for good and its job with it."""
    session.execute(text("SELECT 1 FROM jobs WHERE id = :job FOR UPDATE"), {"job": chunk.job_id})
    session.execute(
        text(
            f"""UPDATE chunks SET failures = failures + 1, error = :error, lease_until = NULL, sent_at = NULL,
                   items_done = 0, reserved_usd = CASE WHEN {_BATCH_IS_OUT} THEN reserved_usd ELSE 0 END,
                   state = CASE WHEN failures + 1 >= :attempts THEN 'failed' ELSE 'waiting' END
               WHERE id = :chunk AND attempt = :attempt AND state = 'running'"""
        ),
        {"chunk": chunk.id, "attempt": chunk.attempt, "error": error, "attempts": attempts},
    )
    settle(session, chunk.job_id)


def reopen_failed(session: Session, job_id: int) -> int:
    """Prepare a retry of just what failed; returns the number of chunks that will run.

    Chunks that failed for good wait again. Predictions with status `failed` are deleted and their rows move to a new
    chunk, so that nothing that succeeded (and was paid for) is done twice. The evaluation is done anew.
    """
    failed_chunks = session.execute(
        text(
            f"""UPDATE chunks SET state = 'waiting', failures = 0, sent_at = NULL,
                    reserved_usd = CASE WHEN {_BATCH_IS_OUT} THEN reserved_usd ELSE 0 END
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
        add(session, job_id, Step.PRICE, [rows])
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
                     WHERE j.id = :job AND j.queue = 'hosted' GROUP BY k.id) f
               WHERE c.id = f.id"""
        ),
        {"job": job_id},
    )


def unfinished(session: Session, job_id: int) -> int:
    """How many chunks of a job are not done."""
    query = text("SELECT count(*) FROM chunks WHERE job_id = :job AND state IN ('waiting', 'running')")
    return int(session.scalar(query, {"job": job_id}) or 0)


def sweep(session: Session, *, attempts: int, quiet_seconds: int, idle_queues: Sequence[str]) -> list[int]:
    """Repair what crashes leave behind; returns the jobs that have chunks to send.

    A running chunk whose lease ran out waits again (or fails after `attempts` tries, a file that is read after
    FILE_ATTEMPTS). Where answers are stored one by one, or a training goes on from a checkpoint, a try that got further
    than any before is not held against the chunk, nor are those before it: it would end, given enough tries. On a queue
    that is empty, a waiting chunk whose message is older than `quiet_seconds` was lost with the broker or a worker: it
    is sent again.
    """
    session.execute(
        text(
            """UPDATE chunks SET failures = died.failures, lease_until = NULL, sent_at = NULL,
                   furthest = greatest(furthest, items_done), items_done = 0,
                   state = CASE WHEN died.failures >= died.allowed THEN 'failed' ELSE 'waiting' END,
                   error = CASE WHEN died.is_file
                       THEN 'The worker died while it read this file (tries: ' || died.failures || '), most likely for '
                           || 'want of memory; save the table as a plain CSV, or in parts, and upload that.'
                       ELSE 'The worker died ' || died.failures || ' times while it worked on this part '
                           || 'of the job without getting further.' END
               FROM (SELECT c.id, reads.is_file,
                            CASE WHEN reads.is_file THEN least(:attempts, :file_attempts) ELSE :attempts END AS allowed,
                            CASE WHEN (j.queue = 'hosted' OR c.step = 'train') AND c.items_done > c.furthest
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
                 AND c.sent_at < now() - make_interval(secs => :quiet)"""
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
        settle(session, job_id)
    return list(
        session.scalars(
            text(
                f"""SELECT DISTINCT j.id FROM chunks c JOIN jobs j ON j.id = c.job_id
                    WHERE c.sent_at IS NULL AND {READY}
                    ORDER BY j.id"""
            )
        )
    )
