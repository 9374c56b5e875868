"""Every verb about endpoints: add, change, remove, test and price them; one transaction each."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from db import access, dependents, endpoints, rates
from db.dependents import Dependent
from db.engine import Session, begin
from db.errors import NotReady, UserError, WrongState
from db.types import Endpoint, EndpointModel, Tariff, Verb
from worker import amounts
from worker.endpoints import addresses, clients, keys, probe, tariffs, vault
from worker.endpoints.presets import OTHER, PRESETS

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test showed, in sentences."""

    ok: bool
    sentences: tuple[str, ...]
    models: tuple[EndpointModel, ...]


def add(
    name: str,
    preset: str = OTHER,
    *,
    base_url: str = "",
    key_env: str | None = None,
    provider: str | None = None,
    api_version: str = "",
    requests_per_minute: int | None = None,
    max_concurrency: int | None = None,
    timeout_seconds: float | None = None,
) -> Endpoint:
    """A new endpoint; what is left out comes from the preset. A free preset makes every model's tokens cost $0.

    Raises UserError, also for a key where its variable's name belongs.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}; choose from {', '.join(PRESETS)}.")
    known = PRESETS[preset]
    if not _NAME.fullmatch(name):
        raise UserError("An endpoint's name is up to 40 letters, digits, - and _; models are called NAME:MODEL.")
    if known.needs_api_version and not api_version:
        raise UserError(f"{known.label} needs an API version, for example 2024-10-21.")
    fields: dict[str, Any] = {
        "base_url": base_url or known.base_url,
        "api_version": api_version,
        "key_env": known.key_env if key_env is None else key_env,
        # A provider of this name in no price list: what answers on one's own machines is free, and stays so.
        "provider": provider if provider is not None else (tariffs.FREE if known.is_free else known.provider),
        "requests_per_minute": requests_per_minute,
    }
    fields |= {"max_concurrency": max_concurrency} if max_concurrency is not None else {}
    fields |= {"timeout_seconds": timeout_seconds} if timeout_seconds is not None else {}
    _check(fields)
    with begin() as session:
        made = endpoints.add(session, Endpoint(name, **fields))
        access.act(session, Verb.ADD_ENDPOINT, made, base_url=made.base_url, key_env=made.key_env)
        return made


def change(name: str, **fields: Any) -> Endpoint:
    """Set base_url, api_version, key_env, provider, requests_per_minute, max_concurrency or timeout_seconds.

    A key belongs to the scheme, host and port of its endpoint: with another address it is gone from the endpoint, until
    it is named for that one. Raises UserError.
    """
    if unknown := set(fields) - endpoints.FIELDS:
        raise UserError(f"An endpoint has no field {', '.join(sorted(unknown))}.")
    with begin() as session:
        before = endpoints.get(session, name)
        access.act(session, Verb.CHANGE_ENDPOINT, before, **fields)
        if "base_url" in fields:
            _check({"base_url": fields["base_url"]})
            moved = _origin(before) != keys.origin(str(fields["base_url"]))
            if moved:
                endpoints.forget_key(session, name)
            if moved and fields.get("key_env", before.key_env) == before.key_env:
                fields["key_env"] = ""
        _check({"base_url": before.base_url} | fields)
        if fields.get("key_env"):
            endpoints.forget_key(session, name)  # it has one key
        return endpoints.change(session, name, **fields)


def set_key(name: str, key: str) -> Endpoint:
    """Keep the key of an endpoint, encrypted, in place of any that it had: nobody is shown it again. It belongs to the
    scheme, host and port of the endpoint as they are now. Raises UserError, also for what is no key."""
    with begin() as session:
        before = endpoints.get(session, name)
        access.act(session, Verb.CHANGE_ENDPOINT, before, key="entered")
        sealed, last = vault.seal(before, key.strip())
        endpoints.set_key(session, name, secrets.token_hex(8), sealed, last)
        return endpoints.change(session, name, key_env="")


def forget_key(name: str) -> Endpoint:
    """Take away the key that an endpoint was given. Raises NotFound."""
    with begin() as session:
        access.act(session, Verb.CHANGE_ENDPOINT, endpoints.get(session, name), key="forgotten")
        endpoints.forget_key(session, name)
        return endpoints.get(session, name)


def renew_secret() -> int:
    """Encrypt all entered keys anew, with the first secret of PRICEWRIGHT_SECRET_KEY, or with a new one where a file of
    the data folder holds it; how many keys there were. Raises NotReady."""
    access.check(Verb.RENEW_SECRET)
    count = vault.renew()
    with begin() as session:
        access.act(session, Verb.RENEW_SECRET, keys=count)
    return count


def _origin(endpoint: Endpoint) -> str:
    try:
        return keys.origin(endpoint.base_url)
    except UserError:
        return ""  # stored before addresses were read as strictly


def describe(name: str, text: str) -> None:
    """Keep a note with an endpoint; "" = none. Raises NotFound."""
    with begin() as session:
        access.act(session, Verb.CHANGE_ENDPOINT, endpoints.get(session, name), description=text.strip())
        endpoints.change(session, name, description=text.strip())


def archive(name: str) -> None:
    """Offer its models no more; jobs, adapters and pricers that ask it go on. Raises NotFound."""
    with begin() as session:
        access.act(session, Verb.CHANGE_ENDPOINT, endpoints.get(session, name), archived="yes")
        endpoints.set_archived(session, name, datetime.now(UTC))


def restore(name: str) -> None:
    """Offer the models of an archived endpoint again. Raises NotFound."""
    with begin() as session:
        access.act(session, Verb.CHANGE_ENDPOINT, endpoints.get(session, name), archived="no")
        endpoints.set_archived(session, name, None)


def depending(name: str) -> list[Dependent]:
    """What stays when it is removed, and what it can't be removed for. Raises NotFound."""
    with begin() as session:
        endpoints.get(session, name)
        return [*dependents.needing_endpoint(session, name), *dependents.of_endpoint(session, name)]


def needed(name: str) -> str:
    """Why an endpoint can't be removed, in a sentence; "" when it can."""
    with begin() as session:
        return _needed(session, name)


def _needed(session: Session, name: str) -> str:
    if needing := dependents.needing_endpoint(session, name):
        users = amounts.counted((each.count, each.noun, each.about) for each in needing)
        return f"{name} can't be removed, because of {users}; archive it, and its models are offered no more."
    return ""


def remove(name: str) -> None:
    """Forget an endpoint; its stored answers and its prices stay. Raises NotFound; WrongState while a job that is not
    over, an adapter or a pricer needs it."""
    with begin() as session:
        access.act(session, Verb.REMOVE_ENDPOINT, endpoints.get(session, name))
        if why := _needed(session, name):
            raise WrongState(why)
        endpoints.remove(session, name)


def key_trouble(endpoint: Endpoint) -> str:
    """Why this process can't use the key that the endpoint wants, in a sentence; "" when it can, or none is wanted. The
    worker's environment may be another."""
    try:
        clients.key(endpoint)
    except NotReady as error:
        return str(error)
    return ""


def list_models(name: str) -> tuple[EndpointModel, ...]:
    """Ask the endpoint which models it has, and store that. Raises UserError."""
    with begin() as session:
        endpoint = endpoints.get(session, name)
        access.act(session, Verb.TEST_ENDPOINT, endpoint)
    listed = probe.models(endpoint)
    with begin() as session:
        return endpoints.set_models(session, name, listed).models


def test(name: str, model: str = "") -> Tested:  # noqa: PT028 - of an endpoint
    """Test whether the endpoint answers, and what one of its models can do ("" = the first one). Takes seconds, costs
    a few hundred tokens. What the test shows is stored."""
    sentences: list[str] = []
    ok = False
    try:
        models = list_models(name)
        sentences.append(f"It answers and lists {amounts.count(len(models), 'model')}.")
    except UserError as error:
        with begin() as session:
            models = endpoints.get(session, name).models  # raises NotFound
        sentences.append(f"It lists no models: {error}")
    chosen = model or (models[0].id if models else "")
    if chosen:
        ok = _try(name, chosen, sentences)
    elif models:
        ok = True
    with begin() as session:
        models = endpoints.get(session, name).models
    return Tested(ok, tuple(sentences), models)


def _try(name: str, model: str, sentences: list[str]) -> bool:
    with begin() as session:
        endpoint = endpoints.get(session, name)
        access.act(session, Verb.TEST_ENDPOINT, endpoint, model=model)
    try:
        trial = probe.try_model(endpoint, model)
        if trial.works and (batch := probe.tries_batches(endpoint)) is not None:
            trial.abilities["batch"] = batch
            trial.sentences.append("It has the Batch API." if batch else "It has no Batch API.")
    except UserError as error:
        sentences.append(str(error))
        return False
    if not trial.works:
        sentences += trial.sentences
        return False
    with begin() as session:
        endpoints.learn(session, name, model, trial.abilities, tested=True)
        tariff = tariffs.find(session, endpoint, model)
        known = endpoint.model(model)
    if known.shutdown_date:
        who = "You entered" if known.is_end_entered else "The endpoint says"
        trial.sentences.append(f"{who} that it ends on {known.shutdown_date}.")
    sentences += [*trial.sentences, _priced(tariff)]
    return True


def _priced(tariff: Tariff | None) -> str:
    if tariff is None:
        return "Nobody knows what it costs: enter its prices, or costs stay unknown."
    if not (tariff.input or tariff.output):
        return "Its tokens cost nothing."
    return f"It costs ${tariff.input:f} in and ${tariff.output:f} out per million tokens ({tariff.source})."


def set_price(
    name: str,
    model: str,
    *,
    input: float | Decimal,  # noqa: A002 - the word of every price list
    output: float | Decimal,
    cached: float | Decimal | None = None,
    batch_input: float | Decimal | None = None,
    batch_output: float | Decimal | None = None,
) -> Tariff:
    """What a model's tokens cost from now on, in dollars per million; it holds over price lists. Raises UserError."""
    given = {
        "input": input, "cached": cached, "output": output, "batch_input": batch_input, "batch_output": batch_output,
    }  # fmt: skip
    prices = {kind: Decimal(str(usd)) for kind, usd in given.items() if usd is not None}
    if not model or any(not usd.is_finite() or usd < 0 for usd in prices.values()):
        raise UserError("Name a model, and prices of $0 or more per million tokens.")
    with begin() as session:
        endpoint = endpoints.get(session, name)
        access.act(session, Verb.SET_TARIFF, endpoint, model=model, **prices)
        rates.set_tariff(session, name, model, prices)
        found = tariffs.find(session, endpoint, model)
    assert found is not None
    return found


def set_training_price(name: str, model: str, usd: float | Decimal) -> None:
    """What a million tokens cost, from now on, that a model is tuned on. Raises UserError."""
    per_million = Decimal(str(usd))
    if not model or not per_million.is_finite() or per_million < 0:
        raise UserError("Name a model, and a price of $0 or more per million tokens.")
    with begin() as session:
        access.act(session, Verb.SET_TARIFF, endpoints.get(session, name), model=model, training=per_million)
        rates.set_training(session, name, model, per_million)


def training_price(name: str, model: str) -> Decimal | None:
    """What holds now for a million tokens that a model is tuned on; None: unknown, not free."""
    with begin() as session:
        return tariffs.training(session, endpoints.get(session, name), model)


def set_end(name: str, model: str, day: date | None) -> None:
    """The day on which a model ends, as a person knows it: it holds over what the endpoint says. None takes it back.
    Raises UserError."""
    if not model:
        raise UserError("Name a model.")
    with begin() as session:
        access.act(session, Verb.CHANGE_ENDPOINT, endpoints.get(session, name), model=model, ends=day)
        endpoints.set_end(session, name, model, day.isoformat() if day else None)


def price(name: str, model: str) -> Tariff | None:
    """What holds now: what was entered, else the price list, else None (unknown, not free)."""
    with begin() as session:
        return tariffs.find(session, endpoints.get(session, name), model)


def _check(fields: Mapping[str, Any]) -> None:
    if "base_url" in fields:
        parts = urlsplit(str(fields["base_url"]))
        if parts.username or parts.password or parts.query or parts.fragment:
            raise UserError("The address of an endpoint must hold no key: name the variable that holds it instead.")
        keys.origin(str(fields["base_url"]))
        addresses.check_name(str(parts.hostname))
    if fields.get("key_env"):
        keys.check(str(fields["key_env"]), str(fields["base_url"]))
    for field, least, most in (("requests_per_minute", 1, 10_000_000), ("max_concurrency", 1, 2048),
                               ("timeout_seconds", 0.1, 3600)):  # fmt: skip
        value = fields.get(field)
        if value is None and field != "requests_per_minute" and field in fields:
            raise UserError(f"{field} must be a number.")
        if value is not None and not least <= value <= most:
            raise UserError(f"{field} must be between {least} and {most:,}.")
