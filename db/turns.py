"""The order of work. A message only says that a queue has work; which chunk comes first is decided when one is taken.

People take turns: whoever had the least of a queue's work lately comes first, however many jobs others have. Of one
person, small work first: what takes seconds does not wait behind what takes minutes, whichever was sent earlier. A job
of many chunks yields between two of them, and one that is passed over again and again gets its turn all the same.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.types import Step

PATIENCE_SECONDS = 300
"""How long a job may be passed over before its claim grows: longer than most jobs, so that of two equal ones the first
ends early instead of both late; short beside the hours of those that would starve."""

USUAL_SECONDS: Mapping[Step, float] = MappingProxyType(
    {
        Step.INSPECT: 2.0,
        Step.LOAD: 10.0,
        Step.SEARCH: 1.0,
        Step.INDEX: 0.005,  # the first chunk has no rows: it says soon how many there are
        Step.PILOT: 60.0,
        Step.TRAIN: 3_600.0,
        Step.TUNE: 1.0,  # of ours: asking how far the endpoint is
        Step.GATE: 300.0,
        Step.RUNG: 300.0,
        Step.FORECAST: 1.0,
        Step.FIT: 10.0,
        Step.PRICE: 0.1,
        Step.EVALUATE: 0.1,
        Step.SIMULATE: 30.0,
        Step.RACE: 0.001,
        Step.LEAKAGE: 30.0,
        Step.PRICE_CHECK: 30.0,
        Step.RECHECK: 3.0,
        Step.COMPARE: 60.0,
        Step.TRUTH: 2.0,
        Step.REFIT: 30.0,
    }
)
"""Per row, or for the chunk where it has no rows, of two ordinary cores; for work of which nobody knows better. Only
the order of magnitude counts."""

# A chunk is ready when its job runs, it was not deferred, no race holds it back, and every chunk of an earlier step is
# done.
READY = """
    j.state = 'running' AND c.state = 'waiting' AND c.is_released AND (c.not_before IS NULL OR c.not_before <= now())
    AND NOT EXISTS (
        SELECT 1 FROM chunks e WHERE e.job_id = c.job_id AND e.step_order < c.step_order AND e.state <> 'done')
"""

# The order, the whole of it: what costs least comes first. A job costs the seconds of work that it has left, times ten
# for each priority that it stands behind. One that had no turn for PATIENCE_SECONDS costs only its next chunk, and half
# as much for each PATIENCE_SECONDS that it waited: however fast cheaper work comes in, some day the half of the half
# is less. With its turn the job's waiting starts anew. (100: by then nothing is left to halve.)
_COST = """
    power(10, j.priority) * CASE WHEN waited.periods < 1 THEN job.seconds_left
                                 ELSE c.expected_seconds * power(2, -least(waited.periods, 100)) END
"""


# What each person had of the queue lately: the work that is at hand, and what began within PATIENCE_SECONDS. What is
# nobody's (the demo, mostly) counts tenfold: it stands behind people, and is not shut out.
_HAD = """
    SELECT p.owner, sum(o.expected_seconds) * CASE WHEN p.owner = '' THEN 10 ELSE 1 END AS seconds
    FROM chunks o JOIN jobs p ON p.id = o.job_id
    WHERE p.queue = (SELECT s.queue FROM jobs s JOIN chunks m ON m.job_id = s.id WHERE m.id = :sent_for)
      AND (o.state = 'running' OR o.started_at > now() - make_interval(secs => :patience))
    GROUP BY p.owner
"""
TAKEN_OVER = "(c.attempt > 0 AND c.not_before IS NULL)"
"""SQL: whether somebody began a waiting chunk and died, or failed, over it: it had its turn, so it goes before all."""


def expected_seconds(step: Step, rows: Sequence[int], known: Mapping[Step, float]) -> float:
    """How long a chunk is expected to take; `known` has the seconds per row (per chunk without rows) of some steps."""
    return known.get(step, USUAL_SECONDS[step]) * max(1, len(rows))


def first(session: Session, sent_for: int) -> int | None:
    """The chunk whose turn it is on the queue of the chunk that a message was sent for; None where nothing waits.

    Locked until the transaction ends, so that two workers never get the same. Only what was sent is looked at: then
    there is one message for each chunk that waits, whoever takes which.
    """
    chunk_id: int | None = session.scalar(
        text(
            f"""WITH had AS ({_HAD})
                SELECT c.id FROM chunks c JOIN jobs j ON j.id = c.job_id LEFT JOIN had ON had.owner = j.owner
                CROSS JOIN LATERAL (
                    SELECT sum(o.expected_seconds) FILTER (WHERE o.state IN ('waiting', 'running')) AS seconds_left,
                           max(o.started_at) AS last_turn
                    FROM chunks o WHERE o.job_id = j.id) job
                CROSS JOIN LATERAL (
                    SELECT extract(epoch FROM now() - greatest(c.sent_at, job.last_turn))::float8 / :patience
                    AS periods) waited
                WHERE j.queue = (SELECT s.queue FROM jobs s JOIN chunks m ON m.job_id = s.id WHERE m.id = :sent_for)
                  AND c.sent_at IS NOT NULL AND {READY}
                ORDER BY {TAKEN_OVER} DESC, coalesce(had.seconds, 0), {_COST}, c.id
                LIMIT 1 FOR UPDATE OF c SKIP LOCKED"""
        ),
        {"sent_for": sent_for, "patience": PATIENCE_SECONDS},
    )
    return chunk_id
