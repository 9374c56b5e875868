"""An adapter's card says what somebody who is handed it must know."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db.types import Adapter, AdapterChange, AdapterState
from tests.builders import a_report, some_weights
from worker.adapters.card import card
from worker.specs import finetune


@pytest.fixture
def adapter() -> Adapter:
    return some_weights(gate_report=a_report(0.4))


def test_it_tells_base_licence_data_settings_figures_and_costs(adapter):
    text = card(adapter, [])
    assert 'base_model: "HuggingFaceTB/SmolLM2-135M-Instruct"\nlicense: apache-2.0\n' in text
    for said in (
        f"`{adapter.id}`",
        f"`{adapter.base_hash}`",
        f"`{adapter.fingerprint}`",
        "80 products with prices of the dataset things",
        "| LoRA rank | 16 |",
        "| Only these categories | all |",
        "| Mean absolute error | $9.50 |",
        "on 10 validation rows",
        "Training took 90 seconds and cost $0.2500",
        "PeftModel.from_pretrained",
    ):
        assert said in text
    assert "History" not in text


def test_it_tells_what_was_forgotten_or_that_nobody_knows(adapter):
    assert "| neutral prose | 30 |" in card(adapter, [])
    assert "| 40.0% | 5% | fell |" in card(adapter, [])
    assert "Not measured yet." in card(replace(adapter, gate_report=None), [])


def test_the_terms_of_gemma_are_named_and_an_unknown_licence_is_not_guessed(adapter):
    assert "Gemma Terms of Use" in card(replace(adapter, base="gemma3-270m"), [])
    unknown = card(replace(adapter, base="/models/mine"), [])
    assert "not known here; ask who published it" in unknown
    assert "license:" not in unknown


def test_a_model_behind_an_endpoint_is_told_with_its_last_day_and_an_unknown_price(adapter):
    hosted = replace(
        adapter,
        base="large",
        base_hash="",
        model="e:tuned",
        metrics={"mae": None, "cost_unknown": True, "shutdown_date": "2027-10-01"},
    )
    text = card(hosted, [])
    assert "It ends there on 2027-10-01 at the latest." in text
    assert "cost an unknown sum" in text
    assert "nothing was measured" in text
    assert "peft" not in text


def test_what_people_typed_can_not_break_the_card(adapter):
    spec = finetune.parse({"categories": ["A|B\nC"]}).model_dump(mode="json")
    change = AdapterChange(
        adapter.id, "t", AdapterState.CANDIDATE, AdapterState.PRODUCTION, "<b>Ann", "a\n# b", "", datetime.now(UTC)
    )
    text = card(replace(adapter, task="x\n# y", spec=spec), [change])
    assert "\n# y" not in text
    assert "\n# b" not in text
    assert "A\\|B C" in text
    assert "&lt;b>Ann" in text
