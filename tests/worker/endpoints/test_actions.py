"""The verbs for endpoints keep keys out, say in sentences what works, and know what things cost."""

import json
from decimal import Decimal

import pytest

from db import endpoints, rates
from db.engine import begin
from db.errors import UserError
from tests.fake_openai.server import endpoint
from worker.endpoints import actions

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"base_url": "https://me:secret@host/v1"}, "must hold no key"),
    ({"base_url": "https://host/v1?api-key=secret"}, "must hold no key"),
    ({"base_url": "host/v1"}, "looks like"),
    ({"base_url": "https://host/v1", "key_env": "sk-abcdef"}, "name of the environment variable"),
    ({"preset": "azure", "base_url": "https://host"}, "API version"),
    ({"preset": "nonsense"}, "no preset"),
])  # fmt: skip
def test_what_can_not_be_right_is_refused_in_a_sentence(fields, sentence):
    with pytest.raises(UserError, match=sentence):
        actions.add("e", **fields)


def test_a_test_says_what_works_and_stores_it():
    with endpoint() as server:
        actions.add("e", base_url=server.base_url)
        tested = actions.test("e", "gpt-4.1-nano")

    said = " ".join(tested.sentences)
    assert tested.ok
    for part in (
        "token probabilities",
        "JSON schema",
        "call functions",
        "Batch API",
        "2027-03-31",
        "Nobody knows what it",
    ):
        assert part in said
    with begin() as session:
        model = endpoints.get(session, "e").model("gpt-4.1-nano")
    assert {"logprobs", "json_schema", "tools", "batch"} <= set(model.abilities)
    assert all(model.abilities[ability] is True for ability in ("logprobs", "json_schema", "tools", "batch"))
    assert (model.shutdown_date, model.context) == ("2027-03-31", 128_000)


def test_a_test_notices_what_is_ignored_without_a_word():
    with endpoint(ignores=["logprobs", "response_format", "tools"]) as server:
        actions.add("e", base_url=server.base_url)
        tested = actions.test("e", "fast")

    assert tested.ok
    assert sum("ignores" in sentence for sentence in tested.sentences) == 3
    assert [tested.models[0].abilities[name] for name in ("logprobs", "json_schema", "tools")] == [False] * 3


def test_a_thinking_model_is_given_room_and_spared_what_it_refuses():
    with endpoint() as server:
        actions.add("e", base_url=server.base_url)
        tested = actions.test("e", "fast-thinking")

    abilities = next(model.abilities for model in tested.models if model.id == "fast-thinking")
    assert tested.ok
    assert {"temperature", "max_tokens", "logprobs"} <= set(abilities["refuses"])
    assert abilities["logprobs"] is False


def test_a_wrong_key_and_a_server_that_is_not_there_are_said(monkeypatch):
    monkeypatch.setenv("PRICEWRIGHT_KEY_A", "sk-wrong-secret")
    with endpoint(key="sk-right") as server:
        actions.add("e", base_url=server.base_url, key_env="PRICEWRIGHT_KEY_A")
        tested = actions.test("e", "fast")
    gone = actions.test("e", "fast")

    assert not tested.ok
    assert "refuses the key" in " ".join(tested.sentences)
    assert "sk-" not in " ".join(tested.sentences)
    assert not gone.ok
    assert "can't be reached" in " ".join(gone.sentences)


def test_prices_are_entered_over_lists_and_unknown_is_none():
    actions.add("o", "openai")
    actions.add("v", "vllm")
    actions.add("x", base_url="http://127.0.0.1:9/v1")

    listed = actions.price("o", "gpt-4.1-nano")
    assert listed is not None
    assert listed.source.startswith("genai-prices")
    assert listed.batch_input == listed.input / 2
    assert actions.price("o", "no-such-model") is None
    assert actions.price("x", "gpt-4.1-nano") is None
    free = actions.price("v", "anything")
    assert free is not None
    assert free.usd(10**6, 0, 10**6) == 0
    entered = actions.set_price("o", "gpt-4.1-nano", input=7, output=Decimal("8.5"))
    assert (entered.source, entered.usd(1_000_000, 0, 1_000_000)) == ("override", Decimal("15.5"))
    with pytest.raises(UserError):
        actions.set_price("o", "m", input=-1, output=1)


def test_what_training_costs_is_entered_apart_and_is_unknown_until_then():
    actions.add("o", "openai")
    actions.add("v", "vllm")
    assert actions.training_price("o", "gpt-4.1-nano") is None
    assert actions.training_price("v", "anything") == 0
    listed = actions.price("o", "gpt-4.1-nano")
    actions.set_training_price("o", "gpt-4.1-nano", 1.5)
    actions.set_training_price("o", "gpt-4.1-nano", 3)
    assert actions.training_price("o", "gpt-4.1-nano") == 3
    assert actions.price("o", "gpt-4.1-nano") == listed
    with begin() as session:
        assert list(rates.tariffs(session)["kind"]) == ["training", "training"]  # a new price is a new entry
    with pytest.raises(UserError):
        actions.set_training_price("o", "gpt-4.1-nano", -1)


def test_the_command_line_says_and_takes_both_prices(terminal):
    def run(*arguments):
        return terminal("endpoints", "price", "x", "m", *arguments)

    actions.add("x", base_url="http://127.0.0.1:9/v1")
    assert "What training costs is unknown; enter it with --training" in run()
    assert run("--json").strip() == "null"
    assert "What training costs is $2.5 per million tokens" in run("--training", "2.5")
    told = json.loads(run("--input", "1", "--output", "2", "--json"))
    assert (told["input"], told["training"]) == ("1", "2.5")
