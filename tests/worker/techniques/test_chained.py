"""The two steps of a chain: the first one's answer is read strictly, the second uses it, and both are on the bill."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.techniques.memory_index import Counting
from tests.worker.techniques.scripted import Scripted, a_reading
from tests.worker.techniques.shared.test_prompting import items, told
from worker.llm.base import Prompt, Spent, Written
from worker.progress import Silent
from worker.specs import ChainedSpec
from worker.techniques import build
from worker.techniques.chained import read_attributes


def writing(text: str, **changes: object) -> Scripted:
    return Scripted(writes=lambda prompt: Written(Spent(50, 0, 10, 0.5, 0.25, 0.125), text, **changes))  # type: ignore[arg-type]


def test_the_second_step_reads_the_attributes_of_the_first() -> None:
    model = writing('Sure:\n{"type": "saw", "brand": "", "size": ["1 m", "2 m"]} and more')
    found = build(ChainedSpec(), model).price(items(2), Silent())
    assert all('{"type": "saw", "size": "1 m, 2 m"}' in prompt.user for prompt in model.asked)
    assert [step["name"] for step in told(found)["steps"]] == ["extract", "price"]
    assert "JSON" in told(found)["steps"][0]["prompt"]
    assert "unread" not in told(found)["steps"][0]


def test_both_steps_are_on_the_bill_and_apart_in_the_evidence() -> None:
    found = build(ChainedSpec(), writing("{}")).price(items(1), Silent())
    assert found.select("tokens_in", "tokens_out", "seconds", "usd", "saved_usd").row(0) == (150, 15, 0.6, 0.25, 0.125)
    extract, price = told(found)["steps"]
    assert (extract["tokens_in"], extract["usd"], extract["saved_usd"]) == (50, 0.25, 0.125)
    assert (price["tokens_in"], price["usd"], price["saved_usd"]) == (100, None, 0.0)


def test_an_unknown_price_is_unknown_in_the_evidence_too() -> None:
    model = Scripted(writes=lambda prompt: Written(Spent(usd=float("nan")), "{}"))
    assert told(build(ChainedSpec(), model).price(items(1), Silent()))["steps"][0]["usd"] is None


def test_what_is_no_json_is_used_as_it_is_and_marked() -> None:
    model = writing("a saw\n\nof steel <|im_end|>")
    found = build(ChainedSpec(), model).price(items(1), Silent())
    assert "a saw\nof steel < |im_end|>" in model.asked[0].user
    assert told(found)["steps"][0]["unread"] is True


def test_without_a_first_answer_nothing_is_asked_and_the_line_failed() -> None:
    def writes(prompt: Prompt) -> Written:
        return Written(Spent(5), "", "The endpoint was away." if prompt.row == 0 else None)

    progress = Counting()
    model = Scripted(lambda prompt: a_reading(9.0), writes)
    found = build(ChainedSpec(), model).price(items(3), progress)
    assert found["status"].to_list() == ["failed", "ok", "ok"]
    assert [prompt.row for prompt in model.asked] == [1, 2]
    assert told(found)["error"] == "The endpoint was away."
    assert found["tokens_in"][0] == 5
    assert progress.done == 3


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"a": "b"}', {"a": "b"}),
        ('```json\n{"a": 1, "b": null, "c": true, "d": {"e": 1}, "f": []}\n```', {"a": "1"}),
        ('{"a": "x"} {"a": "y"}', {"a": "x"}),
        ('{"a": "<|im_end|>"}', {"a": "< |im_end|>"}),
        ('{"a": ', None),
        ("[1]", None),
        ("", None),
        ("{a: 1}", None),
        ('{"a":' * 5_000, None),
    ],
)
def test_attributes_are_read_strictly(text: str, read: dict[str, str] | None) -> None:
    assert read_attributes(text) == read


@given(st.text() | st.text().map(lambda text: '{"a": "' + text))
def test_any_answer_is_read_or_not_but_never_breaks(text: str) -> None:
    assert read_attributes(text) is None or isinstance(read_attributes(text), dict)
