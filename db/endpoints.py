"""Endpoints, and what is known of their models."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import NotFound, WrongState
from db.models import EndpointKeyRow, EndpointRow
from db.types import Endpoint, EndpointModel

_PLAIN = ("name", "base_url", "api_version", "key_env", "provider", "requests_per_minute", "max_concurrency",
          "timeout_seconds", "tested_at", "created_at", "description", "archived_at", "owner")  # fmt: skip
FIELDS = frozenset(_PLAIN) - {"name", "tested_at", "created_at", "archived_at", "owner"}
"""What a person may change."""


def all(session: Session) -> list[Endpoint]:  # noqa: A001 - read as endpoints.all
    """Every endpoint, by name."""
    keys = {row.endpoint: row for row in session.scalars(select(EndpointKeyRow))}
    rows = session.scalars(select(EndpointRow).order_by(EndpointRow.name))
    return [_with_key(row, keys.get(row.name)) for row in rows]


def get(session: Session, name: str) -> Endpoint:
    """The endpoint with this name. Raises NotFound."""
    row = session.get(EndpointRow, name)
    if row is None:
        known = ", ".join(session.scalars(select(EndpointRow.name).order_by(EndpointRow.name))) or "none yet"
        raise NotFound(f"There is no endpoint {name!r}; there are: {known}.")
    return _with_key(row, session.get(EndpointKeyRow, name))


def add(session: Session, endpoint: Endpoint) -> Endpoint:
    """Keep a new endpoint. Raises WrongState when its name is taken."""
    if session.get(EndpointRow, endpoint.name) is not None:
        raise WrongState(f"There is already an endpoint named {endpoint.name!r}; remove it first or change it.")
    values = {field: getattr(endpoint, field) for field in FIELDS}
    session.add(EndpointRow(name=endpoint.name, models=[], **values))
    session.flush()
    return get(session, endpoint.name)


def change(session: Session, name: str, **fields: Any) -> Endpoint:
    """Set fields of an endpoint. With another address it is another one: what was learnt of its models is forgotten.
    Its key stays: whoever changes the host takes it away (`forget_key`)."""
    before = get(session, name)
    if unknown := set(fields) - FIELDS:
        raise ValueError(f"not a field of an endpoint: {', '.join(sorted(unknown))}")
    if fields.get("base_url", before.base_url) != before.base_url:
        fields |= {"models": [], "tested_at": None}
    if fields:
        session.execute(update(EndpointRow).where(EndpointRow.name == name).values(**fields))
        session.expire_all()
    return get(session, name)


def remove(session: Session, name: str) -> None:
    """Forget an endpoint. Its stored answers and dated prices stay: they are history. Raises NotFound."""
    get(session, name)
    session.delete(session.get_one(EndpointRow, name))


def set_archived(session: Session, name: str, at: datetime | None) -> None:
    """Since when its models are offered no more; None: they are. Raises NotFound."""
    get(session, name)
    session.execute(update(EndpointRow).where(EndpointRow.name == name).values(archived_at=at))
    session.expire_all()


def set_models(session: Session, name: str, listed: Sequence[EndpointModel]) -> Endpoint:
    """Store what the endpoint lists; what is known of a model's abilities and what a person said of its end stays."""
    row = _locked(session, name)
    known = {model.id: model for model in _models(row.models)}
    kept = [_listed(model, known.get(model.id)) for model in listed]
    ids = {model.id for model in listed}
    # Azure and gateways answer for names that they don't list: what was tested or entered stays.
    kept += [
        replace(model, is_listed=False)
        for model in known.values()
        if model.id not in ids and (model.abilities or model.is_end_entered)
    ]
    row.models = [asdict(model) for model in kept]
    session.flush()
    return get(session, name)


def _listed(model: EndpointModel, before: EndpointModel | None) -> EndpointModel:
    if before is None:
        return replace(model, is_listed=True)
    merged = replace(model, abilities=before.abilities | model.abilities, is_listed=True)
    return replace(merged, shutdown_date=before.shutdown_date, is_end_entered=True) if before.is_end_entered else merged


def set_end(session: Session, name: str, model_id: str, shutdown_date: str | None) -> Endpoint:
    """Enter the ISO date on which a model ends, over what the endpoint says; None takes the entry back, and the date is
    unknown until the endpoint is asked again. Raises NotFound."""
    row = _locked(session, name)
    models = {model.id: model for model in _models(row.models)}
    before = models.get(model_id, EndpointModel(model_id))
    models[model_id] = replace(before, shutdown_date=shutdown_date, is_end_entered=shutdown_date is not None)
    row.models = [asdict(model) for model in models.values()]
    session.flush()
    return get(session, name)


def learn(session: Session, name: str, model_id: str, abilities: dict[str, Any], *, tested: bool = False) -> None:
    """Add to what is known of a model's abilities. An endpoint that is gone meanwhile learns nothing."""
    row = session.get(EndpointRow, name, with_for_update=True, populate_existing=True)
    if row is None:
        return
    models = {model.id: model for model in _models(row.models)}
    before = models.get(model_id, EndpointModel(model_id))
    refuses = sorted({*before.abilities.get("refuses", ()), *abilities.get("refuses", ())})
    merged = before.abilities | abilities | ({"refuses": refuses} if refuses else {})
    models[model_id] = replace(before, abilities=merged)
    row.models = [asdict(model) for model in models.values()]
    session.flush()
    if tested:
        session.execute(text("UPDATE endpoints SET tested_at = now() WHERE name = :name"), {"name": name})
        session.expire(row)


def set_key(session: Session, name: str, key_id: str, sealed: bytes, last: str) -> None:
    """Keep the encrypted key of an endpoint, in place of any that it had; `last` is shown. Raises NotFound."""
    get(session, name)
    values = {"id": key_id, "sealed": sealed, "last": last, "entered_at": func.now()}
    entry = insert(EndpointKeyRow).values(endpoint=name, **values)
    session.execute(entry.on_conflict_do_update(index_elements=["endpoint"], set_=values))
    session.expire_all()


def sealed_key(session: Session, name: str) -> bytes | None:
    """The encrypted key of an endpoint; None where it has none."""
    return session.scalar(select(EndpointKeyRow.sealed).where(EndpointKeyRow.endpoint == name))


def forget_key(session: Session, name: str) -> None:
    """Take away the key that an endpoint was given."""
    session.execute(delete(EndpointKeyRow).where(EndpointKeyRow.endpoint == name))
    session.expire_all()


def _locked(session: Session, name: str) -> EndpointRow:
    row = session.get(EndpointRow, name, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no endpoint {name!r}.")
    return row


def _models(stored: Sequence[Any]) -> list[EndpointModel]:
    return [EndpointModel(**model) for model in stored]


def _with_key(row: EndpointRow, key: EndpointKeyRow | None) -> Endpoint:
    return replace(_endpoint(row), key_id=key.id, key_last=key.last) if key else _endpoint(row)


def _endpoint(row: EndpointRow) -> Endpoint:
    return Endpoint(**{field: getattr(row, field) for field in _PLAIN}, models=tuple(_models(row.models)))
