"""The endpoint that chaos asks: what it answers, what it charges, and what it does under each trouble."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from http.client import HTTPException
from typing import Any

import pytest

from worker.chaos import endpoint as chaos_endpoint
from worker.chaos.endpoint import KnownEndpoint, known_price


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[KnownEndpoint]:
    monkeypatch.setattr(chaos_endpoint, "LATENCY_SECONDS", 0.0)
    monkeypatch.setattr(chaos_endpoint, "SILENT_SECONDS", 0.0)
    endpoint = KnownEndpoint()
    yield endpoint
    endpoint.close()


def ask(endpoint: KnownEndpoint, number: int, key: str) -> Any:
    body = {"model": "known", "messages": [{"role": "user", "content": f"What does thing 7x{number} cost?"}]}
    request = urllib.request.Request(
        f"{endpoint.base_url}/chat/completions", json.dumps(body).encode(), {"idempotency-key": key}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def test_it_says_the_known_price_and_charges_it_once_for_each_key(endpoint):
    first = json.loads(ask(endpoint, 3, "a"))
    assert first["choices"][0]["message"]["content"] == str(known_price(3))
    bill = endpoint.bill.usd["7"]
    assert bill > 0
    ask(endpoint, 3, "a")
    assert endpoint.bill.usd["7"] == bill
    assert endpoint.bill.twice("7") == 0
    ask(endpoint, 3, "b")
    assert endpoint.bill.usd["7"] == 2 * bill
    assert endpoint.bill.twice("7") == 1


def test_what_nobody_could_read_is_charged_and_asked_again_at_its_own_cost(endpoint):
    endpoint.mode = "garbage"
    with pytest.raises(ValueError):
        json.loads(ask(endpoint, 3, "a"))
    endpoint.mode = "ok"
    ask(endpoint, 3, "a")
    assert endpoint.bill.paid.total() == 2
    assert endpoint.bill.twice("7") == 0


@pytest.mark.parametrize("mode", ["down", "silent"])
def test_what_is_not_answered_is_not_charged(endpoint, mode):
    endpoint.mode = mode
    with pytest.raises((urllib.error.URLError, HTTPException, OSError)):
        ask(endpoint, 3, "a")
    assert endpoint.bill.usd["7"] == Decimal(0)
