"""What is looked at to say that a process is well, or ready for work: each as one line with its reason."""

from collections.abc import Collection

from kombu.exceptions import OperationalError

from db import engine, health
from db.engine import DatabaseAway
from db.types import Queue
from worker import app
from worker.health import pulse
from worker.health.answer import Check


def database() -> Check:
    """Whether the database answers with the tables that this code works with."""
    try:
        with engine.begin() as session:
            has, wants = health.schema_version(session), engine.newest_version()
    except DatabaseAway as error:
        return Check(part="database", ok=False, detail=f"The database is away ({_first_line(error)}).")
    if has > wants:
        newer = "The database was brought to newer tables than this process knows; update this Pricewright, too."
        return Check(part="database", ok=False, detail=newer)
    if has < wants:
        return Check(part="database", ok=False, detail="The database has older tables: run `python -m db.migrations`.")
    return Check(part="database", ok=True)


def broker() -> Check:
    try:
        app.queue_lengths()
    except (OperationalError, OSError) as error:
        return Check(part="broker", ok=False, detail=f"The broker is away ({_first_line(error)}).")
    return Check(part="broker", ok=True)


def moving(names: Collection[str]) -> Check:
    """Whether the queues move: nothing waits for long while nobody works on anything of them."""
    try:
        with engine.begin() as session:
            stuck = [state for state in health.queues(session) if state.queue in names and state.is_stuck]
    except DatabaseAway:
        return Check(part="queue", ok=False, detail="The database is away, so nobody knows what waits.")
    detail = " ".join(
        f"On the {state.queue} queue {state.ready} chunks wait, for {state.oldest_seconds:.0f} s, and none is at work."
        for state in stuck
    )
    return Check(part="queue", ok=not stuck, detail=detail)


def alive(part: str, seconds: float) -> Check:
    """Whether a part of this process was at work within so many seconds."""
    silence = pulse.silence(part)
    if silence is None:
        return Check(part=part, ok=False, detail=f"The {part} has not begun.")
    if silence > seconds:
        return Check(part=part, ok=False, detail=f"The {part} has done nothing for {silence:.0f} s.")
    return Check(part=part, ok=True)


def work(queues: Collection[str]) -> list[Check]:
    """What every process needs that works or shows work."""
    return [database(), broker(), moving(queues)]


ALL_QUEUES = [str(queue) for queue in Queue]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
