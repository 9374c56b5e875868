"""What people are told of, each thing once: noted here first, delivered afterwards."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_FIRST_PAUSE, _LONGEST_PAUSE = 30, 3600
MOST_TRIES = 12
"""Deliveries that are tried before one is given up: some eight hours."""
_LEASE_SECONDS = 120
"""Longer than all channels together take to refuse a message: whoever took an event and says nothing has died."""


class EventKind(StrEnum):
    JOB_DONE = "job-done"
    JOB_FAILED = "job-failed"
    CAP_REACHED = "cap-reached"
    PROMISE_BROKEN = "promise-broken"
    MODEL_ENDS = "model-ends"  # a pricer is near its best-before
    KNOWLEDGE_STALE = "knowledge-stale"
    TEST = "test"  # somebody wants to see whether it arrives


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `key`: the same thing has the same key."""

    kind: EventKind
    key: str
    sentence: str
    facts: dict[str, Any]  # numbers and names for programs
    dataset_id: int | None = None
    id: int = 0
    at: datetime | None = None
    taken_by: tuple[str, ...] = ()
    tries: int = 0


def add(session: Session, event: Event) -> int | None:
    """Note an event; its id, or None where it is known."""
    event_id: int | None = session.scalar(
        text(
            """INSERT INTO events (kind, key, sentence, facts, dataset_id)
               VALUES (:kind, :key, :sentence, CAST(:facts AS jsonb), :dataset)
               ON CONFLICT (key) DO NOTHING RETURNING id"""
        ),
        {
            "kind": event.kind,
            "key": event.key,
            "sentence": event.sentence,
            "facts": json.dumps(event.facts, default=str),
            "dataset": event.dataset_id,
        },
    )
    return event_id


def known(session: Session, keys: Collection[str]) -> set[str]:
    """Those of these keys that were noted."""
    return set(session.scalars(text("SELECT key FROM events WHERE key = ANY(:keys)"), {"keys": list(keys)}))


def take_due(session: Session) -> Event | None:
    """The oldest event whose turn it is to be delivered, for the caller alone for a while; None: there is none."""
    row = session.execute(
        text(
            """UPDATE events SET tries = tries + 1, next_try_at = now() + make_interval(secs => :lease)
               WHERE id = (SELECT id FROM events WHERE closed_at IS NULL AND next_try_at <= now()
                           ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
               RETURNING id, kind, key, sentence, facts, dataset_id, at, taken_by, tries"""
        ),
        {"lease": _LEASE_SECONDS},
    ).first()
    if row is None:
        return None
    told = (EventKind(row.kind), row.key, row.sentence, row.facts, row.dataset_id, row.id, row.at)
    return Event(*told, tuple(row.taken_by), row.tries)


def close(session: Session, event_id: int, taken_by: Sequence[str]) -> None:
    """All who are to be told were told."""
    session.execute(
        text("UPDATE events SET closed_at = now(), taken_by = :taken, error = NULL WHERE id = :id"),
        {"id": event_id, "taken": list(taken_by)},
    )


def postpone(session: Session, event: Event, taken_by: Sequence[str], error: str) -> None:
    """Somebody could not be told: later again, in growing pauses, or after MOST_TRIES tries no more."""
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (event.tries - 1))
    session.execute(
        text(
            """UPDATE events SET taken_by = :taken, error = :error, next_try_at = now() + make_interval(secs => :pause),
                   closed_at = CASE WHEN :given_up THEN now() END WHERE id = :id"""
        ),
        {
            "id": event.id,
            "taken": list(taken_by),
            "error": error,
            "pause": pause,
            "given_up": event.tries >= MOST_TRIES,
        },
    )


def close_all(session: Session) -> None:
    """Nobody is to be told: what happens now is not told later, when somebody is."""
    session.execute(text("UPDATE events SET closed_at = now() WHERE closed_at IS NULL"))


def waiting(session: Session) -> int:
    return int(session.scalar(text("SELECT count(*) FROM events WHERE closed_at IS NULL")) or 0)


def counted_since(session: Session, event_id: int) -> tuple[dict[EventKind, int], int]:
    """Kind -> how many were noted after that event, and the newest event by now."""
    query = text("SELECT kind, count(*), max(id) FROM events WHERE id > :id GROUP BY kind")
    rows = session.execute(query, {"id": event_id}).all()
    return {EventKind(kind): count for kind, count, _ in rows}, max([event_id, *(newest for _, _, newest in rows)])


def latest(session: Session, limit: int) -> list[dict[str, Any]]:
    """The newest events with what became of them: id, at, kind, sentence, taken_by, tries, closed_at, error."""
    rows = session.execute(
        text(
            """SELECT id, at, kind, sentence, taken_by, tries, closed_at, error FROM events
               ORDER BY id DESC LIMIT :limit"""
        ),
        {"limit": limit},
    )
    return [dict(row) for row in rows.mappings()]


def drop_older(session: Session, days: int) -> None:
    """Forget events that were delivered so long ago; what is looked for anew does not reach so far back."""
    session.execute(
        text("DELETE FROM events WHERE closed_at IS NOT NULL AND at < now() - make_interval(days => :days)"),
        {"days": days},
    )
