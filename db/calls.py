"""Calls on their way to an endpoint: which may go out, and what became of money that brought no answer.

A claimed call (db/completions.py) is noted as on its way before it goes out, so that none is forgotten whoever dies,
and as back when the endpoint refused it. What a job paid and lost, and the most that its calls on their way may cost,
never pass its cap together.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from db import jobs, limits


def depart(
    session: Session, owner: str, hashes: Collection[str], unanswered: Collection[str] = ()
) -> tuple[set[str], set[str]]:
    """Note that claimed calls are on their way, before they are: those that may go out now, and those for which the
    caps of their jobs have no room. What is in neither is not the owner's any more and must not be sent.

    `unanswered`: those of them that went out before, brought no answer and may have been charged.
    """
    mine = session.execute(
        text(
            """SELECT hash, job_id, most_usd FROM completions
               WHERE hash = ANY(:hashes) AND state = 'sent' AND owner = :owner ORDER BY hash FOR UPDATE"""
        ),
        {"hashes": list(hashes), "owner": owner},
    ).all()
    # All of them before any person's month: else two processes could wait for each other.
    paying = sorted({row.job_id for row in mine if row.job_id is not None})
    session.execute(text("SELECT 1 FROM jobs WHERE id = ANY(:jobs) ORDER BY id FOR UPDATE"), {"jobs": paying})
    _book_lost(session, [row for row in mine if row.hash in unanswered])
    _set_sent(session, [row.hash for row in mine], now=False)  # what a try before took is booked, or was not charged
    gone: set[str] = set()
    for job_id in paying:
        calls = [row for row in mine if row.job_id == job_id]
        room = _room(session, job_id)
        for row in calls:
            if room is None:
                gone.add(row.hash)
            elif row.most_usd is not None and row.most_usd <= room:
                room -= row.most_usd
                gone.add(row.hash)
        _set_sent(session, gone, now=True)  # another job of the same person counts it
    gone |= {row.hash for row in mine if row.job_id is None}
    _set_sent(session, gone, now=True)
    return gone, {row.hash for row in mine} - gone


def _room(session: Session, job_id: int) -> Decimal | None:
    """What the cap of a job and the month of its owner leave beside what is paid, lost and on its way; None without
    either. A job that was deleted has no room for anything.

    The job's row is locked, so that two processes can't give the same money out.
    """
    query = text("SELECT cap_usd - spent_usd AS room FROM jobs WHERE id = :job FOR NO KEY UPDATE")
    money = session.execute(query, {"job": job_id}).one_or_none()
    if money is None:
        return Decimal(-1)
    of_month = limits.month_room_for_calls(session, job_id)
    if money.room is None:
        return of_month
    on_their_way = session.scalar(
        text(
            """SELECT coalesce(sum(most_usd), 0) FROM completions
               WHERE job_id = :job AND state = 'sent' AND sent_at IS NOT NULL"""
        ),
        {"job": job_id},
    )
    room = Decimal(money.room) - Decimal(on_their_way or 0)
    return room if of_month is None else min(room, of_month)


def come_back(session: Session, owner: str, hashes: Collection[str]) -> None:
    """Note that the endpoint refused calls: they are not on their way, and cost nothing."""
    _set_sent(session, hashes, now=False, owner=owner)


def _set_sent(session: Session, hashes: Collection[str], *, now: bool, owner: str | None = None) -> None:
    session.execute(
        text(
            """UPDATE completions SET sent_at = CASE WHEN :now THEN now() END
               WHERE hash = ANY(:hashes) AND state = 'sent' AND (:owner ::text IS NULL OR owner = :owner)"""
        ),
        {"hashes": list(hashes), "now": now, "owner": owner},
    )


def lose(session: Session, hashes: Collection[str], owner: str | None = None) -> None:
    """Book calls that went out, brought no answer and may have been charged, at the most they can have cost; anybody
    may make them anew. With an owner, only that one's."""
    rows = session.execute(
        text(
            """UPDATE completions SET state = 'lost', owner = NULL, lease_until = NULL, done_at = now()
               WHERE hash = ANY(:hashes) AND state = 'sent' AND (:owner ::text IS NULL OR owner = :owner)
               RETURNING hash, job_id, most_usd"""
        ),
        {"hashes": sorted(hashes), "owner": owner},
    ).all()
    _book_lost(session, rows)


def _book_lost(session: Session, rows: Sequence[Row[Any]]) -> None:
    """Book on their jobs what lost calls may have cost. `rows`: hash, job_id, most_usd."""
    session.execute(
        text("UPDATE completions SET lost_usd = lost_usd + coalesce(most_usd, 0) WHERE hash = ANY(:hashes)"),
        {"hashes": [row.hash for row in rows]},
    )
    for job_id in sorted({row.job_id for row in rows if row.job_id is not None}):
        most = [row.most_usd for row in rows if row.job_id == job_id]
        known = [usd for usd in most if usd is not None]
        jobs.lose(session, job_id, sum(known, Decimal(0)), unpriced=len(most) - len(known))
