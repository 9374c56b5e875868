"""Children of a worker that hang: they have a message, and hold no chunk whose lease they keep."""

import os
import socket
import time
from collections.abc import Mapping

from celery.worker import state

from db import engine, health
from db.engine import DatabaseAway
from db.settings import settings
from worker.health.answer import Check

_first_seen: dict[str, float] = {}


def busy() -> dict[str, int]:
    """Message -> process of the child that works on it, of this worker."""
    return {str(request.id): request.worker_pid for request in list(state.active_requests) if request.worker_pid}


def note(at_work: Mapping[str, int], now: float | None = None) -> None:
    """Remember since when children have had their messages; to be called every few seconds."""
    moment = time.monotonic() if now is None else now
    for gone in _first_seen.keys() - at_work.keys():
        _first_seen.pop(gone, None)
    for message in at_work:
        _first_seen.setdefault(message, moment)


def hung(at_work: Mapping[str, int], held_seconds: float, now: float | None = None) -> list[int]:
    """Processes that have had the same message for longer than `held_seconds` and hold no lease. Raises
    DatabaseAway."""
    moment = time.monotonic() if now is None else now
    long = {pid for message, pid in at_work.items() if moment - _first_seen.get(message, moment) > held_seconds}
    long.discard(os.getpid())  # a solo pool works in the worker itself
    if not long:
        return []
    with engine.begin() as session:
        return sorted(long - health.live_pids(session, socket.gethostname()))


def check() -> Check:
    """Whether no child hangs: none is silent for as long as two leases."""
    try:
        pids = hung(busy(), 2 * settings().lease_seconds)
    except DatabaseAway:
        return Check(part="children", ok=True, detail="The database is away, so nobody can say whether they hold work.")
    detail = f"Processes {', '.join(map(str, pids))} hold a message and no lease." if pids else ""
    return Check(part="children", ok=not pids, detail=detail)
