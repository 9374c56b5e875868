"""The adapter that a pricer prices with itself: in production for as long as a pricer in use has it, and moved with it.

Members of an ensemble stay where they are: two of them may be of one task, which has one adapter in production.
"""

from db import access, adapters, pricers
from db.engine import Session
from db.errors import NotFound
from db.types import Adapter, AdapterState, Pricer, PricerState, Verb


def of(session: Session, pricer: Pricer) -> Adapter | None:
    """None: it has none, or that was deleted."""
    number = str(pricer.spec.get("adapter") or "")
    try:
        return adapters.get(session, number) if number else None
    except NotFound:
        return None


def refusal(session: Session, pricer: Pricer) -> str | None:
    """Why its adapter can't go to production with it: another pricer in use has another one of the same task; None: it
    can."""
    own = of(session, pricer)
    present = adapters.in_production(session, own.task) if own else None
    if own is None or (present and present.id == own.id):
        return None
    if why := access.may(Verb.PROMOTE_ADAPTER, own) or (present and access.may(Verb.RETIRE_ADAPTER, present)):
        return why
    if present is None:
        return None
    others = [each for each in pricers.using_adapter(session, present.id) if each.name != pricer.name]
    if not others:
        return None
    return (
        f"Pricer {others[0].name} prices with adapter {present.id[:12]}, which is in production for {own.task!r}, and "
        f"a task has one there: make a version of {others[0].name} with the new adapter, or retire it first."
    )


def follow(session: Session, before: Pricer | None, pricer: Pricer, who: str, why: str, overrides: str) -> None:
    """Move adapters after a pricer moved: that of one in use to production, one that no pricer in use has any more out
    of it. before: the version of that name that was in use."""
    now = pricers.get(session, pricer.id)
    own = of(session, now) if now.state is PricerState.IN_USE else None
    if own is not None and own.state is not AdapterState.PRODUCTION:
        adapters.move(session, own, AdapterState.PRODUCTION, who=who, why=_why(now, why), overrides=overrides)
    left = of(session, before) if before is not None else None
    if left is not None and left.state is AdapterState.PRODUCTION and not pricers.using_adapter(session, left.id):
        adapters.move(session, left, AdapterState.RETIRED, who=who, why=_why(now, why))


def _why(pricer: Pricer, why: str) -> str:
    return f"with pricer {pricer.name}, version {pricer.version}, {pricer.state}: {why}"
