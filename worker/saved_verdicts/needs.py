"""What a technique needs to go on pricing: models, with the day on which each ends, adapters, and a knowledge base."""

from datetime import date

from db import adapters, endpoints
from db.engine import Session
from db.errors import NotFound
from db.knowledge import bases
from db.types import AdapterState, Endpoint
from worker.adapters import pricing
from worker.endpoints import tuning
from worker.saved_verdicts.facts import Knowledge
from worker.specs import BaseSpec, members_of
from worker.what_if import costs


def models(spec: BaseSpec) -> list[str]:
    """The models behind endpoints that it asks, itself or through its members, as "endpoint:model"."""
    alone = members_of(spec) or (spec,)
    return list(dict.fromkeys(str(getattr(each, "model", "")) for each in alone if each.uses_endpoint))


def local_models(spec: BaseSpec) -> list[str]:
    """The models on this machine that it asks, itself or through its members."""
    alone = members_of(spec) or (spec,)
    names = (str(getattr(each, "model", "")) for each in alone if each.uses_llm and not each.uses_endpoint)
    return list(dict.fromkeys(filter(None, names)))


def retired(session: Session, spec: BaseSpec) -> list[str]:
    """Those of its adapters that were given up, or whose task another one took over."""
    used = pricing.adapters_of(spec.model_dump(mode="json"))
    known = adapters.all(session)
    return sorted(each.id for each in known if each.id in used and each.state is AdapterState.RETIRED)


def knowledge(session: Session, dataset_id: int, spec: BaseSpec) -> Knowledge | None:
    """The knowledge base that it searches, as it is now; None: it searches none, or there is none."""
    base = bases.of(session, dataset_id) if costs.searches(spec) else None
    if base is None:
        return None
    items, known = bases.content(session, base.id)
    return Knowledge(signature=base.signature, items=items, known=known)


def endpoint_of(session: Session, ref: str) -> tuple[Endpoint | None, str]:
    """The endpoint of a model and the model's name there; None: the endpoint was removed."""
    name, _, model = ref.partition(":")
    try:
        return endpoints.get(session, name), model
    except NotFound:
        return None, model


def last_day(session: Session, ref: str) -> date | None:
    """The day on which a model, or the one that it was tuned from, is gone; None: nobody says."""
    endpoint, model = endpoint_of(session, ref)
    day = tuning.last_day(endpoint, model) if endpoint else None
    return date.fromisoformat(day[:10]) if day else None


def best_before(session: Session, refs: list[str] | tuple[str, ...]) -> date | None:
    """The first of those days."""
    return min(filter(None, (last_day(session, ref) for ref in refs)), default=None)
