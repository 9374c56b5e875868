"""What a language model is asked names the currency of the table; in dollars nothing changes."""

import json

import pytest

from worker.llm.base import Prompt, Readout
from worker.llm.endpoint.requests import for_price
from worker.llm.price_reading import parse_price
from worker.prompts.builtin import BUILT_IN
from worker.prompts.currency import in_currency
from worker.prompts.rendering import SAMPLE, check, render
from worker.specs import parse


@pytest.mark.parametrize("name", ["listing", "question"])
def test_another_currency_stands_where_dollars_stood(name):
    prompt = in_currency(BUILT_IN[name], "EUR")
    check(prompt.system, prompt.template)
    said = render(prompt, SAMPLE)
    whole = said.system + said.user
    assert "$" not in whole
    assert "dollar" not in whole.lower()
    assert said.ask.endswith("Price: €")
    assert "Price: €59" in said.user
    if name == "question":
        assert "whole euros" in whole.replace("\n", " ")


def test_dollars_and_the_unknown_keep_every_letter():
    for prompt in BUILT_IN.values():
        assert in_currency(prompt, "USD") is in_currency(prompt, "") is prompt


def test_a_currency_without_a_sign_of_its_own_is_written_as_its_code():
    assert render(in_currency(BUILT_IN["listing"], "CHF"), SAMPLE).ask.endswith("Price: CHF ")


def test_the_currency_is_part_of_a_specs_identity_only_where_it_is_said():
    plain, dollars = parse({"technique": "zero-shot"}), parse({"technique": "zero-shot", "currency": ""})
    euros = parse({"technique": "zero-shot", "currency": "EUR"})
    assert plain.hash == dollars.hash != euros.hash
    assert plain.fit_key != euros.fit_key
    assert "currency" not in plain.model_dump()
    assert parse(euros.model_dump(mode="json")) == euros
    assert plain.changes() == euros.changes()


def test_an_endpoint_is_held_to_a_price_in_the_currency():
    ask = Prompt("", "a lamp", " Price: ¥")
    abilities = {"logprobs": False}
    assert "US dollars" in json.dumps(for_price("m", ask, abilities, Readout()))
    assert "Japanese yen" in json.dumps(for_price("m", ask, abilities, Readout(currency="JPY")))


@pytest.mark.parametrize(
    ("text", "price"), [("¥12,000", 12000), ("CHF 12.50", 12.5), ("The price is 99 zł", 99), ("₹1,299", 1299)]
)
def test_an_answer_in_the_currency_is_read(text, price):
    assert parse_price(text) == price
