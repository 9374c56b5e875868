"""Endpoints keep what is learnt of their models, and tariffs their dates."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from db import endpoints, rates
from db.errors import NotFound, WrongState
from db.settings import settings
from db.types import Endpoint, EndpointModel, Queue


def _one(session, **fields) -> Endpoint:
    return endpoints.add(session, Endpoint("e", "http://127.0.0.1:1/v1", **fields))


def test_a_name_is_taken_once(session):
    _one(session)

    with pytest.raises(WrongState, match="already"):
        _one(session)


def test_an_unknown_endpoint_names_those_that_are_there(session):
    _one(session)

    with pytest.raises(NotFound, match="there are: e"):
        endpoints.get(session, "f")


def test_listing_models_again_keeps_their_abilities(session):
    _one(session)
    endpoints.learn(session, "e", "m", {"logprobs": True})
    endpoints.learn(session, "e", "unlisted", {"tools": True})

    found = endpoints.set_models(session, "e", [EndpointModel("m", "2027-01-01", 4096), EndpointModel("n")])

    assert found.model("m") == EndpointModel("m", "2027-01-01", 4096, {"logprobs": True})
    assert [model.id for model in found.models] == ["m", "n", "unlisted"]


def test_refused_parameters_add_up(session):
    _one(session)

    endpoints.learn(session, "e", "m", {"refuses": ["temperature"]})
    endpoints.learn(session, "e", "m", {"refuses": ["logprobs"]}, tested=True)

    assert endpoints.get(session, "e").model("m").abilities["refuses"] == ["logprobs", "temperature"]
    assert endpoints.get(session, "e").tested_at is not None


def test_another_address_forgets_what_was_learnt(session):
    _one(session)
    endpoints.learn(session, "e", "m", {"logprobs": True})

    changed = endpoints.change(session, "e", base_url="http://127.0.0.1:2/v1", max_concurrency=3)

    assert (changed.models, changed.max_concurrency) == ((), 3)


def test_a_tariff_holds_from_its_day_on_and_old_ones_stay(session):
    rates.set_tariff(session, "e", "m:8b", {"input": Decimal(1), "output": Decimal(2), "cached": Decimal("0.5")})
    between = datetime.now(UTC)
    rates.set_tariff(session, "e", "m:8b", {"input": Decimal(3), "output": Decimal(4)})

    now, before = rates.tariff(session, "e", "m:8b"), rates.tariff(session, "e", "m:8b", between)

    assert now is not None and (now.input, now.output, now.cached) == (3, 4, 3)  # noqa: PT018
    assert before is not None and (before.input, before.cached) == (1, Decimal("0.5"))  # noqa: PT018
    assert rates.tariff(session, "e", "m:8b", between - timedelta(days=1)) is None
    assert rates.tariff(session, "e", "other") is None
    assert set(rates.tariffs(session)["model"]) == {"m:8b"}


def test_prices_of_tokens_are_not_taken_for_prices_of_machines(session):
    rates.for_queue(session, Queue.CPU)
    rates.set_tariff(session, "e", "m", {"input": Decimal(1), "output": Decimal(2)})

    assert rates.usd_per_hour(session, Queue.CPU) == settings().cpu_usd_per_hour
