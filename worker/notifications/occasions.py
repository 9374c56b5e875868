"""What people are told of: looked for on a schedule, each thing noted once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from db import events, occasions
from db import pricers as pricer_rows
from db.engine import Session, begin
from db.events import Event, EventKind
from db.types import JobKind, PricerState
from worker import amounts
from worker.batches import truth
from worker.jobs.kinds import KINDS
from worker.pricers import obstacles

SOON = timedelta(days=30)
"""How long before a model ends people are told."""

_WAITED_FOR = [
    str(kind)
    for kind in JobKind
    if kind
    not in (JobKind.INSPECT, JobKind.SEARCH, JobKind.COMPARE, JobKind.INDEX, JobKind.RECHECK, JobKind.VERDICT_CHECK)
]
"""Kinds of jobs that somebody waits for while she does something else; that others failed is told all the same."""


def note_new() -> int:
    """Note all that happened lately and is not known; how much that was."""
    with begin() as session:
        found = [*_ends(session), *_caps(session), *_promises(session), *_models(session), *_knowledge(session)]
        known = events.known(session, [event.key for event in found])
        new = [event for event in found if event.key not in known]
        for event in new:
            events.add(session, event)
    return len(new)


def _ends(session: Session) -> list[Event]:
    found = []
    for end in occasions.ended_jobs(session):
        is_done = end.state == "done"
        if is_done and end.kind not in _WAITED_FOR:
            continue
        kind = EventKind.JOB_DONE if is_done else EventKind.JOB_FAILED
        what = end.name or end.technique or KINDS[JobKind(end.kind)].terminal
        outcome = "is done" if is_done else f"failed: {end.error or 'nobody knows why'}"
        found.append(
            Event(
                kind,
                f"{kind}:{end.job_id}:{end.finished_at.timestamp():.3f}",
                f"Job {end.job_id} ({what}) of {end.dataset} {outcome}{'.' if is_done else ''}",
                _facts(end.job_id, end.owner, kind=end.kind, technique=end.technique, usd=end.usd),
                end.dataset_id,
            )
        )
    return found


def _caps(session: Session) -> list[Event]:
    return [
        Event(
            EventKind.CAP_REACHED,
            f"{EventKind.CAP_REACHED}:{job.job_id}:{job.cap_usd}",
            f"Job {job.job_id} of {job.dataset} is paused. {job.error}",
            _facts(job.job_id, job.owner, cap_usd=job.cap_usd, spent_usd=job.spent_usd),
            job.dataset_id,
        )
        for job in occasions.capped_jobs(session)
    ]


def _promises(session: Session) -> list[Event]:
    return [
        Event(
            EventKind.PROMISE_BROKEN,
            f"{EventKind.PROMISE_BROKEN}:{batch.batch_id}:{sentence}",
            f"Pricer {batch.pricer}, batch {batch.batch_id}: {sentence}",
            {"batch": batch.batch_id, "pricer": batch.pricer},
            batch.dataset_id,
        )
        for batch in occasions.measured_batches(session)
        for sentence in truth.alarms(truth.Truth.model_validate(batch.truth))
    ]


def _models(session: Session) -> list[Event]:
    found = []
    for pricer in pricer_rows.all(session):
        if pricer.state is not PricerState.IN_USE:
            continue
        day = obstacles.best_before(session, pricer)
        if day is None or day - _today() > SOON:
            continue
        found.append(
            Event(
                EventKind.MODEL_ENDS,
                f"{EventKind.MODEL_ENDS}:{pricer.id}:{day}",
                f"{obstacles.title(pricer)} is best before {day}, the day on which a model that it needs ends: decide "
                "anew, and use what comes of it.",
                {"pricer": pricer.name, "version": pricer.version, "best_before": str(day)},
                pricer.source_id,
            )
        )
    return found


def _knowledge(session: Session) -> list[Event]:
    return [
        Event(
            EventKind.KNOWLEDGE_STALE,
            f"{EventKind.KNOWLEDGE_STALE}:{base.dataset_id}:{base.since:%Y-%m-%d}",
            f"The knowledge base of {base.dataset} was to be refreshed every {amounts.duration(base.every_seconds)}, "
            f"and was not since {base.since:%Y-%m-%d %H:%M} UTC.",
            {"dataset": base.dataset_id, "since": base.since.isoformat()},
            base.dataset_id,
        )
        for base in occasions.stale_bases(session)
    ]


def _facts(job_id: int, owner: str, **more: Any) -> dict[str, Any]:
    return {"job": job_id} | {name: value for name, value in ({"owner": owner} | more).items() if value}


def _today() -> date:
    return datetime.now(UTC).date()
