"""What a technique needs to go on pricing: models behind endpoints, with the day on which each ends, and adapters."""

from datetime import date

from db import endpoints
from db.engine import Session
from db.errors import NotFound
from db.types import Endpoint
from worker.endpoints import tuning
from worker.specs import BaseSpec, members_of


def models(spec: BaseSpec) -> list[str]:
    """The models behind endpoints that it asks, itself or through its members, as "endpoint:model"."""
    alone = members_of(spec) or (spec,)
    return list(dict.fromkeys(str(getattr(each, "model", "")) for each in alone if each.uses_endpoint))


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
