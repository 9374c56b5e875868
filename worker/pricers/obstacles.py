"""What stands in the way of a pricer: what it can't price without, what the gate says, and what to beware of."""

from datetime import UTC, date, datetime

from db import adapters, datasets
from db.engine import Session
from db.types import AdapterState, DatasetState, Pricer
from worker import specs
from worker.adapters import actions as adapter_actions
from worker.adapters import pricing
from worker.saved_verdicts import needs


def refusal(session: Session, pricer: Pricer) -> str | None:
    """Why it can't price anything, in one sentence that says what to do; None: it can."""
    called = title(pricer)
    source = datasets.get(session, pricer.source_id)
    if source.state is not DatasetState.READY:
        return f"{called} learned from {source.name}, which is not loaded; load it again and decide anew."
    if datasets.fingerprint(source) != pricer.source_fingerprint:
        return (
            f"{called} learned from {source.name}, which was loaded anew since and is another table now: decide anew "
            "on the Trade-offs page."
        )
    there = {adapter.id for adapter in adapters.all(session)}
    for adapter_id in sorted(pricing.adapters_of(pricer.spec) - there):
        return f"{called} prices with adapter {adapter_id[:12]}, which was deleted: roll back, or decide anew."
    for ref in needs.models(specs.parse(pricer.spec)):
        if needs.endpoint_of(session, ref)[0] is None:
            return f"{called} asks {ref}, whose endpoint was removed: add it again, roll back, or decide anew."
        day = needs.last_day(session, ref)
        if day and day <= _today():
            return f"{called} asks {ref}, which was shut down on {day}: roll back, or decide anew with another model."
    return None


def objection(session: Session, pricer: Pricer) -> str | None:
    """What the gate says against the adapters that it prices with; None: it lets them pass, they are in production
    already, or there are none."""
    used = pricing.adapters_of(pricer.spec)
    said = [
        adapter_actions.objection(session, each)
        for each in adapters.all(session)
        if each.id in used and each.state is not AdapterState.PRODUCTION
    ]
    return " ".join(filter(None, said)) or None


def cautions(session: Session, pricer: Pricer) -> list[str]:
    """Sentences on what may go wrong, or soon will, although it prices."""
    day = best_before(session, pricer)
    if day is None or day > _today():
        return []
    return [
        f"{title(pricer)} was best before {day}, the day on which a model that it needs ends: decide anew, and use "
        "what comes of it."
    ]


def best_before(session: Session, pricer: Pricer) -> date | None:
    """The day on which the first model that it needs is gone, as far as is known by now."""
    return needs.best_before(session, needs.models(specs.parse(pricer.spec))) or pricer.best_before


def title(pricer: Pricer) -> str:
    """What sentences call it."""
    return f"Pricer {pricer.name}, version {pricer.version},"


def _today() -> date:
    return datetime.now(UTC).date()
