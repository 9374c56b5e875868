"""Answers of endpoints by the hash of the whole request. Each call is claimed before it is sent, and stored
before it is used, so that nothing is paid for twice.

A row is `sent` while somebody (its owner, under a lease) makes the call, `done` with the answer, `failed` where a
batch brought an error instead, and `lost` where it went out, brought nothing and may have been charged (db/calls.py).
"""

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import calls
from db.presence import IS_PRESENT, LEASE_SECONDS

_HELD = f"(completions.lease_until >= now() AND {IS_PRESENT})"
"""Whether the owner of a call that is made directly is there, and says so."""

_AWAITED = f"""
    (completions.state = 'sent' AND CASE WHEN completions.batch_id IS NULL THEN {_HELD}
        ELSE completions.lease_until >= now() OR EXISTS (
            SELECT 1 FROM batches b WHERE b.id = completions.batch_id AND b.finished_at IS NULL) END)
"""
"""Whether somebody waits for an answer that may still come; that of a batch for as long as the batch is out."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A call somebody is about to make."""

    hash: str
    endpoint: str
    model: str
    request: dict[str, Any]
    job_id: int | None  # who pays
    row: int | None
    most_usd: Decimal | None = None  # that it can cost; None: nobody knows


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `usd` None: the price is unknown."""

    hash: str
    response: dict[str, Any]
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    usd: Decimal | None = Decimal(0)
    seconds: float = 0.0
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """A call as the table knows it."""

    hash: str
    state: str  # sent | done | failed | lost
    response: dict[str, Any]  # {} while sent
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    usd: float | None
    seconds: float
    job_id: int | None
    row: int | None
    batch_id: int | None


def look(session: Session, hashes: Collection[str]) -> dict[str, Stored]:
    """What is known of these calls, by hash."""
    rows = session.execute(
        text(
            """SELECT hash, state, coalesce(response, '{}') AS response, tokens_in, tokens_cached, tokens_out,
                      usd ::double precision AS usd, seconds, job_id, row, batch_id
               FROM completions WHERE hash = ANY(:hashes)"""
        ),
        {"hashes": list(hashes)},
    )
    return {row.hash: Stored(**row._mapping) for row in rows}


def awaited(session: Session, hashes: Collection[str]) -> set[str]:
    """Which of these calls somebody waits for: not answered, not free."""
    query = text(f"SELECT hash FROM completions WHERE hash = ANY(:hashes) AND {_AWAITED}")
    return set(session.scalars(query, {"hashes": list(hashes)}))


def claim(
    session: Session,
    claims: Sequence[Claim],
    owner: str,
    lease_seconds: float = LEASE_SECONDS,
    batch_id: int | None = None,
) -> set[str]:
    """Hashes of the calls that are ours to make now.

    Not among them: what is answered, and what somebody else waits for: who is there and under a lease that still runs,
    or in a batch that is out. A batch's calls count as on their way from now on, direct ones when they `depart`.
    """
    ordered = sorted(
        {call.hash: call for call in claims}.values(), key=lambda call: call.hash
    )  # one order, no deadlock
    if not ordered:
        return set()
    _bury(session, [call.hash for call in ordered])
    return set(
        session.scalars(
            text(
                f"""INSERT INTO completions
                       (hash, endpoint, model, request, state, owner, lease_until, job_id, row, most_usd, batch_id,
                        sent_at)
                   SELECT c.hash, c.endpoint, c.model, c.request ::jsonb, 'sent', :owner,
                          now() + make_interval(secs => :lease), c.job_id, c.row, c.most_usd, :batch,
                          CASE WHEN :batch ::bigint IS NOT NULL THEN now() END
                   FROM unnest(:hashes ::text[], :endpoints ::text[], :models ::text[], :requests ::text[],
                               :jobs ::bigint[], :rows ::bigint[], :most ::numeric[])
                        AS c (hash, endpoint, model, request, job_id, row, most_usd)
                   ON CONFLICT (hash) DO UPDATE SET
                       state = 'sent', request = excluded.request, owner = excluded.owner,
                       lease_until = excluded.lease_until,
                       job_id = excluded.job_id, row = excluded.row, batch_id = excluded.batch_id, response = NULL,
                       sent_at = excluded.sent_at, most_usd = excluded.most_usd, done_at = NULL
                   WHERE completions.state IN ('failed', 'lost') OR (completions.state = 'sent' AND NOT {_AWAITED})
                   RETURNING hash"""
            ),
            {
                "owner": owner,
                "lease": lease_seconds,
                "batch": batch_id,
                "hashes": [call.hash for call in ordered],
                "endpoints": [call.endpoint for call in ordered],
                "models": [call.model for call in ordered],
                "requests": [json.dumps(clean(call.request)) for call in ordered],
                "jobs": [call.job_id for call in ordered],
                "rows": [call.row for call in ordered],
                "most": [call.most_usd for call in ordered],
            },
        )
    )


def bury(session: Session) -> None:
    """Give up the direct calls of everybody who is gone: what was on its way is lost, the rest is free."""
    _bury(session, None)


def _bury(session: Session, hashes: Collection[str] | None) -> None:
    dead = session.execute(
        text(
            f"""SELECT hash, sent_at FROM completions
                WHERE state = 'sent' AND batch_id IS NULL AND (:hashes ::text[] IS NULL OR hash = ANY(:hashes))
                  AND NOT {_HELD} ORDER BY hash FOR UPDATE"""
        ),
        {"hashes": None if hashes is None else list(hashes)},
    ).all()
    if dead:
        calls.lose(session, [row.hash for row in dead if row.sent_at is not None])
        free(session, [row.hash for row in dead if row.sent_at is None])


def extend(session: Session, owner: str, lease_seconds: float = LEASE_SECONDS) -> None:
    """The heartbeat of whoever waits for answers and has a Presence. One lost in a crash costs nothing: the disk is not
    waited for; nor is a call that is just being noted or stored, which would wait for others that this beat holds."""
    session.execute(text("SET LOCAL synchronous_commit = off"))
    session.execute(
        text(
            """UPDATE completions SET lease_until = now() + make_interval(secs => :lease)
               WHERE hash IN (SELECT hash FROM completions
                              WHERE state = 'sent' AND owner = :owner AND batch_id IS NULL
                              ORDER BY hash FOR NO KEY UPDATE SKIP LOCKED)"""
        ),
        {"owner": owner, "lease": lease_seconds},
    )


def store(session: Session, answers: Sequence[Answer]) -> set[str]:
    """Keep answers and book what they cost on the jobs that pay; returns the hashes that were still open.

    An answer to what is answered already changes nothing: storing twice is harmless. One that was given up for lost
    and comes all the same is kept, and costs what it costs besides.
    """
    ordered = sorted({answer.hash: answer for answer in answers}.values(), key=lambda answer: answer.hash)
    if not ordered:
        return set()
    rows = session.execute(
        text(
            """UPDATE completions c SET
                   state = CASE WHEN a.failed THEN 'failed' ELSE 'done' END, response = a.response ::jsonb,
                   tokens_in = a.tokens_in, tokens_cached = a.tokens_cached, tokens_out = a.tokens_out, usd = a.usd,
                   seconds = a.seconds, done_at = now(), lease_until = NULL, owner = NULL
               FROM unnest(:hashes ::text[], :responses ::text[], :ins ::int[], :cached ::int[], :outs ::int[],
                           :usd ::numeric[], :seconds ::float8[], :failed ::bool[])
                    AS a (hash, response, tokens_in, tokens_cached, tokens_out, usd, seconds, failed)
               WHERE c.hash = a.hash AND c.state IN ('sent', 'lost')
               RETURNING c.hash, c.job_id, c.usd, c.request = '{}' AS is_forgotten"""
        ),
        {
            "hashes": [answer.hash for answer in ordered],
            "responses": [json.dumps(clean(answer.response)) for answer in ordered],
            "ins": [answer.tokens_in for answer in ordered],
            "cached": [answer.tokens_cached for answer in ordered],
            "outs": [answer.tokens_out for answer in ordered],
            "usd": [answer.usd for answer in ordered],
            "seconds": [answer.seconds for answer in ordered],
            "failed": [answer.failed for answer in ordered],
        },
    ).all()
    paid: dict[int, Decimal] = {}
    for row in rows:
        if row.job_id is not None and row.usd:
            paid[row.job_id] = paid.get(row.job_id, Decimal(0)) + row.usd
    for job_id, usd in sorted(paid.items()):
        session.execute(
            text("UPDATE jobs SET spent_usd = spent_usd + :usd WHERE id = :job"), {"usd": usd, "job": job_id}
        )
    if forgotten := [row.hash for row in rows if row.is_forgotten]:
        _erase(session, forgotten)  # the dataset was deleted while the answer was on its way
    return {row.hash for row in rows}


def use(session: Session, hashes: Collection[str], job_id: int) -> None:
    """Note that a job was given answers which others had paid for."""
    session.execute(
        text(
            """INSERT INTO completion_uses (hash, job_id)
               SELECT c.hash, j.id FROM completions c JOIN jobs j ON j.id = :job
               WHERE c.hash = ANY(:hashes) ORDER BY c.hash ON CONFLICT DO NOTHING"""
        ),
        {"hashes": list(hashes), "job": job_id},
    )


def forget(session: Session, job_ids: Collection[int]) -> None:
    """Erase what these jobs asked and were answered, as they are about to be deleted or were; what it cost stays.

    An answer that another job uses or pays for is kept until that one goes. What is erased counts in the totals, but
    no longer as an answer to anything: asked again it is paid again.
    """
    about = {"jobs": sorted(job_ids)}
    others = """EXISTS (SELECT 1 FROM completion_uses u WHERE u.hash = c.hash AND NOT u.job_id = ANY(:jobs))"""
    # Nobody will fetch what a batch brings that is out: it may be charged all the same.
    session.execute(
        text(
            """UPDATE completions c SET state = 'lost', owner = NULL, lease_until = NULL, lost_usd = lost_usd + CASE
                   WHEN EXISTS (SELECT 1 FROM batches b WHERE b.id = c.batch_id
                                AND (b.remote_id IS NOT NULL OR b.state = 'sending'))
                   THEN coalesce(most_usd, 0) ELSE 0 END
               WHERE c.job_id = ANY(:jobs) AND c.state = 'sent' AND c.batch_id IS NOT NULL"""
        ),
        about,
    )
    session.execute(
        text("DELETE FROM completions WHERE job_id = ANY(:jobs) AND state = 'failed' AND lost_usd = 0"), about
    )
    # Whoever waits for an answer has the request himself; that it was asked has to be known until the answer comes.
    session.execute(text("UPDATE completions SET request = '{}' WHERE job_id = ANY(:jobs) AND state = 'sent'"), about)
    gone = list(
        session.scalars(
            text(
                f"""SELECT c.hash FROM completions c WHERE c.state IN ('done', 'lost', 'failed') AND NOT {others}
                    AND (c.job_id = ANY(:jobs) OR NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = c.job_id)
                         AND EXISTS (SELECT 1 FROM completion_uses u WHERE u.hash = c.hash))
                    ORDER BY c.hash FOR UPDATE OF c"""
            ),
            about,
        )
    )
    session.execute(text("DELETE FROM completion_uses WHERE hash = ANY(:hashes)"), {"hashes": gone})
    _erase(session, gone)


def forget_older(session: Session, days: int, limit: int) -> int:
    """Erase answers that came so many days ago and that no job at work uses, as `forget` does; how many. Asked again
    they are paid again."""
    query = """SELECT c.hash FROM completions c
               WHERE c.state IN ('done', 'lost', 'failed') AND c.request <> '{}'
                 AND c.done_at < now() - make_interval(days => :days)
                 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.state IN ('running', 'paused') AND (j.id = c.job_id
                     OR EXISTS (SELECT 1 FROM completion_uses u WHERE u.hash = c.hash AND u.job_id = j.id)))
               ORDER BY c.hash LIMIT :limit FOR UPDATE OF c"""
    gone = list(session.scalars(text(query), {"days": days, "limit": limit}))
    session.execute(text("DELETE FROM completion_uses WHERE hash = ANY(:hashes)"), {"hashes": gone})
    _erase(session, gone)
    return len(gone)


def _erase(session: Session, hashes: Sequence[str]) -> None:
    """Leave of these calls only what they cost."""
    session.execute(
        text(
            """UPDATE completions SET hash = 'gone:' || gen_random_uuid(), request = '{}', response = '{}',
                   job_id = NULL, row = NULL WHERE hash = ANY(:hashes)"""
        ),
        {"hashes": list(hashes)},
    )


def free(session: Session, hashes: Collection[str], owner: str | None = None) -> None:
    """Forget calls that cost nothing, so that anybody may make them; with an owner, only that one's. What an earlier
    try of them lost is not forgotten."""
    mine = "hash = ANY(:hashes) AND state = 'sent' AND (:owner ::text IS NULL OR owner = :owner)"
    given = {"hashes": list(hashes), "owner": owner}
    session.execute(text(f"DELETE FROM completions WHERE {mine} AND lost_usd = 0"), given)
    session.execute(
        text(f"UPDATE completions SET state = 'lost', owner = NULL, lease_until = NULL, sent_at = NULL WHERE {mine}"),
        given,
    )


def of_batch(session: Session, batch_id: int) -> dict[str, dict[str, Any]]:
    """The requests of a batch that have no answer yet, by hash."""
    rows = session.execute(
        text("SELECT hash, request FROM completions WHERE batch_id = :batch AND state = 'sent' ORDER BY hash"),
        {"batch": batch_id},
    )
    return {row.hash: row.request for row in rows}


def senders(session: Session, endpoint: str) -> int:
    """How many processes wait for answers of an endpoint right now: they share its allowed rate."""
    return int(
        session.scalar(
            text(
                f"""SELECT count(DISTINCT owner) FROM completions
                    WHERE state = 'sent' AND batch_id IS NULL AND endpoint = :endpoint AND {_HELD}"""
            ),
            {"endpoint": endpoint},
        )
        or 0
    )


def has_unpriced(session: Session, job_id: int) -> bool:
    """Whether a job got an answer that it paid for at a price which nobody knows."""
    query = "SELECT EXISTS (SELECT FROM completions WHERE job_id = :job AND state = 'done' AND usd IS NULL)"
    return bool(session.scalar(text(query), {"job": job_id}))


def totals(session: Session) -> pl.DataFrame:
    """Per endpoint and model: calls, tokens_in, tokens_cached, tokens_out, usd (of the known prices), unknown_costs
    (calls whose price nobody knows), in_flight, lost_usd (besides: the most that calls without an answer may have
    cost)."""
    rows = session.execute(
        text(
            """SELECT endpoint, model, count(*) FILTER (WHERE state = 'done') AS calls,
                      coalesce(sum(tokens_in), 0) ::bigint AS tokens_in,
                      coalesce(sum(tokens_cached), 0) ::bigint AS tokens_cached,
                      coalesce(sum(tokens_out), 0) ::bigint AS tokens_out,
                      coalesce(sum(usd), 0) ::float8 AS usd,
                      count(*) FILTER (WHERE state = 'done' AND usd IS NULL) AS unknown_costs,
                      count(*) FILTER (WHERE state = 'sent') AS in_flight, sum(lost_usd) ::float8 AS lost_usd
               FROM completions GROUP BY endpoint, model ORDER BY endpoint, model"""
        )
    ).all()
    integer = pl.Int64
    return pl.DataFrame(
        [tuple(row) for row in rows],
        orient="row",
        schema={
            "endpoint": pl.String, "model": pl.String, "calls": integer, "tokens_in": integer,
            "tokens_cached": integer, "tokens_out": integer, "usd": pl.Float64, "unknown_costs": integer,
            "in_flight": integer, "lost_usd": pl.Float64,
        },
    )  # fmt: skip


def clean(value: Any) -> Any:
    """A JSON value as Postgres can keep it: without NUL, halves of surrogate pairs, infinities and NaN."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {clean(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    return value
