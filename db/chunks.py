"""The units of a job's work: who may do one, under a lease, what it may pay, and how it ends.

`attempt` is a fencing token: whoever holds an old one can't write. What crashed or failed is up to db/recovery.py.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from db import jobs, limits
from db.errors import NotFound
from db.models import ChunkRow
from db.set_aside import ON_THEIR_WAY, STAYS_RESERVED
from db.turns import READY, TAKEN_OVER, expected_seconds
from db.types import Chunk, JobState, Step

MESSAGES_AHEAD = 4
"""Messages of one job that may lie in the queue at once: enough to keep a worker fed, few enough that seeing whose turn
it is stays cheap."""


def after_failure(failures: str, allowed: str) -> str:
    """The SQL assignments of a chunk whose try failed: it waits again, or after as many tries as are allowed fails for
    good. Both are SQL: how many tries have failed now, how many may."""
    return f"""failures = {failures}, lease_until = NULL, sent_at = NULL, items_done = 0,
               state = CASE WHEN {failures} >= {allowed} THEN 'failed' ELSE 'waiting' END"""


def add(session: Session, job_id: int, step: Step, pieces: Sequence[list[int]]) -> None:
    """Give more work to a job that is not over, found out by a chunk that is about to end. A row of it is expected to
    take as long as a row of the job's other chunks of the step."""
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
    """Ready chunks to name in messages now; marks them as sent. Tops the job up to MESSAGES_AHEAD in the queue; what
    somebody died over is sent whatever waits there."""
    return list(
        session.scalars(
            text(
                f"""UPDATE chunks SET sent_at = now() WHERE id IN (
                    SELECT c.id FROM chunks c JOIN jobs j ON j.id = c.job_id
                    WHERE c.job_id = :job AND c.sent_at IS NULL AND {READY}
                    ORDER BY {TAKEN_OVER} DESC, c.id
                    LIMIT greatest((SELECT count(*) FROM chunks c WHERE c.job_id = :job AND c.state = 'waiting'
                                    AND c.sent_at IS NULL AND {TAKEN_OVER}),
                                   :ahead - (SELECT count(*) FROM chunks s WHERE s.job_id = :job
                                             AND s.state = 'waiting' AND s.sent_at IS NOT NULL))
                    FOR UPDATE OF c SKIP LOCKED)
                RETURNING id"""
            ),
            {"job": job_id, "ahead": MESSAGES_AHEAD},
        )
    )


def closing(session: Session, job_id: int) -> int | None:
    """The chunk that measures a job whose other chunks are done; None as long as one is not, and afterwards."""
    chunk_id: int | None = session.scalar(
        text(
            f"""SELECT c.id FROM chunks c JOIN jobs j ON j.id = c.job_id
                WHERE c.job_id = :job AND c.step = :step AND {READY} LIMIT 1"""
        ),
        {"job": job_id, "step": Step.EVALUATE},
    )
    return chunk_id


def claim(session: Session, chunk_id: int, owner: str, lease_seconds: int) -> Chunk | None:
    """Take the lease on a chunk. None when there is nothing to do: done, held by somebody alive, paused, not ready."""
    row = session.execute(
        text(
            f"""UPDATE chunks SET state = 'running', owner = :owner, attempt = attempt + 1, error = NULL,
                    not_before = NULL, reserved_usd = {STAYS_RESERVED},
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
                RETURNING (SELECT j.state <> 'cancelled'
                               AND NOT (j.state = 'paused' AND chunks.step IN ('train', 'tune'))
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
    is locked, so that of two chunks that end at the same moment one sees the other and closes the job; not its key,
    which every row that both have stored for the job holds already: each would wait for the other.
    """
    state = session.scalar(text("SELECT state FROM jobs WHERE id = :job FOR NO KEY UPDATE"), {"job": chunk.job_id})
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
    jobs.settle(session, chunk.job_id)
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


def give_back(session: Session, chunk: Chunk, after_seconds: float = 0) -> None:
    """Return a chunk unfinished and unblamed: the worker stops, the job was cancelled, or the answers come later."""
    session.execute(
        text(
            f"""UPDATE chunks SET state = 'waiting', lease_until = NULL, sent_at = NULL, items_done = 0,
                   reserved_usd = {STAYS_RESERVED},
                   not_before = now() + make_interval(secs => :after)
               WHERE id = :chunk AND attempt = :attempt AND state = 'running'"""
        ),
        {"chunk": chunk.id, "attempt": chunk.attempt, "after": after_seconds},
    )


def wake_chunk(session: Session, chunk_id: int) -> None:
    """What a deferred chunk waited for is there: the next sweep sends it."""
    session.execute(text("UPDATE chunks SET not_before = NULL WHERE id = :chunk"), {"chunk": chunk_id})


def reserve(session: Session, chunk: Chunk, usd: Decimal) -> bool:
    """Set `usd` aside for calls this chunk is about to pay, in place of what it had set aside; never less than what its
    calls on their way may cost, be they of somebody who held the chunk before. False = over the cap, or over what the
    job's owner may pay in a month.

    The job's row is locked, so that two workers can't set the same money aside. What a call paid is booked in
    `spent_usd` as it happens; until the chunk reserves anew it counts twice, which errs on the safe side. Raises
    NotFound when the job was deleted, or somebody else has taken the chunk over.
    """
    money = session.execute(
        text("SELECT cap_usd, spent_usd FROM jobs WHERE id = :job FOR NO KEY UPDATE"), {"job": chunk.job_id}
    ).one_or_none()
    if money is None:
        raise NotFound(f"There is no job {chunk.job_id} any more.")
    cap, spent = money
    asked = usd
    is_bounded = cap is not None or limits.is_month_limited(session, chunk.job_id)
    if is_bounded:
        query = text(f"SELECT {ON_THEIR_WAY} FROM chunks WHERE id = :chunk")
        usd = max(usd, session.scalar(query, {"chunk": chunk.id}) or Decimal(0))
    if asked and cap is not None:
        others = session.scalar(
            text("SELECT coalesce(sum(reserved_usd), 0) FROM chunks WHERE job_id = :job AND id <> :chunk"),
            {"job": chunk.job_id, "chunk": chunk.id},
        )
        if spent + others + usd > cap:
            return False
    if asked and is_bounded:
        month = limits.month_room_for_chunk(session, chunk.job_id, chunk.id)
        if month is not None and usd > month:
            return False
    is_held = session.execute(
        text("UPDATE chunks SET reserved_usd = :usd WHERE id = :chunk AND attempt = :attempt RETURNING id"),
        {"usd": usd, "chunk": chunk.id, "attempt": chunk.attempt},
    ).first()
    if asked and is_held is None:
        raise NotFound(f"Somebody else has taken part {chunk.id} of job {chunk.job_id} over.")
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
    session.execute(text("SELECT 1 FROM jobs WHERE id = :job FOR NO KEY UPDATE"), {"job": chunk.job_id})
    session.execute(
        text(
            f"""UPDATE chunks SET {after_failure("failures + 1", ":attempts")},
                   error = :error, reserved_usd = {STAYS_RESERVED}
               WHERE id = :chunk AND attempt = :attempt AND state = 'running'"""
        ),
        {"chunk": chunk.id, "attempt": chunk.attempt, "error": error, "attempts": attempts},
    )
    jobs.settle(session, chunk.job_id)


def unfinished(session: Session, job_id: int) -> int:
    """How many chunks of a job are not done."""
    query = text("SELECT count(*) FROM chunks WHERE job_id = :job AND state IN ('waiting', 'running')")
    return int(session.scalar(query, {"job": job_id}) or 0)
