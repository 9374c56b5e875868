"""The model's tools answer from the train side, refuse nonsense, and need a model that can call functions."""

import json
from typing import Any

import polars as pl
import pytest

from db.errors import NotReady
from tests.worker.techniques.memory_index import MemoryIndex, demo_items, unpriced
from tests.worker.techniques.scripted import Scripted
from worker.llm.base import Prompt, Reading, Tool
from worker.progress import Silent
from worker.specs import ToolsSpec
from worker.techniques import build

_SHOP = demo_items(130)
TRAIN, TEST = _SHOP[:120], unpriced(_SHOP[120:])


@pytest.fixture
def call() -> Any:
    """call(name, row, **arguments) as the model would."""
    model = Scripted(index=MemoryIndex())
    technique = build(ToolsSpec(model="cloud:big"), model)
    technique.load(technique.fit(TRAIN, TEST.clear(), Silent()))
    assert technique.price(TEST, Silent())["status"].to_list() == ["ok"] * len(TEST)
    tools = {tool.name: tool for tool in model.tools}
    assert set(tools) == {"category_price_stats", "similar_items", "calculator"}
    return lambda name, row=int(TEST["row"][0]), **arguments: tools[name].run(row, arguments)


def test_category_figures_are_those_of_the_train_side(call: Any) -> None:
    category = TRAIN["category"][0]
    prices = TRAIN.filter(pl.col("category") == category)["price"]
    told = json.loads(call("category_price_stats", category=category.upper()))
    assert (told["category"], told["count"]) == (category, len(prices))
    assert told["median"] == pytest.approx(prices.median(), abs=0.01)


def test_similar_items_are_like_the_item_or_like_what_was_described(call: Any) -> None:
    own = json.loads(call("similar_items", count=3))
    assert len(own) == 3
    assert set(own[0]) == {"title", "price", "similarity"}
    known = set(TRAIN["title"])
    assert all(line["title"] in known for line in own)
    wanted = TRAIN["title"][7]
    assert json.loads(call("similar_items", description=wanted))[0]["title"] == wanted


def test_each_item_gets_its_own_neighbours(call: Any) -> None:
    answers = {call("similar_items", int(row)) for row in TEST["row"]}
    assert len(answers) > 1


def test_the_calculator_calculates(call: Any) -> None:
    assert call("calculator", expression="(19.99 + 4) * 2") == "47.98"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("category_price_stats", {"category": "nowhere"}),
        ("category_price_stats", {}),
        ("category_price_stats", {"category": 4}),
        ("similar_items", {"count": 0}),
        ("similar_items", {"count": 99}),
        ("similar_items", {"count": True}),
        ("similar_items", {"count": "many"}),
        ("calculator", {"expression": "open('x')"}),
        ("calculator", {"expression": " "}),
    ],
)
def test_nonsense_is_answered_with_a_sentence_to_act_on(call: Any, name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        call(name, **arguments)


def test_a_model_that_can_t_call_functions_says_so_before_anything_is_embedded() -> None:
    class Silenced(Scripted):
        def price_with_tools(self, prompts: list[Prompt], *rest: Any) -> list[Reading]:
            raise NotReady("It can't call functions.")

    index = MemoryIndex()
    with pytest.raises(NotReady, match="can't call functions"):
        build(ToolsSpec(), Silenced(index=index)).fit(TRAIN, TEST.clear(), Silent())
    assert len(index.train) == 0


def test_tools_know_the_validation_items_too_while_learning_how_to_read() -> None:
    class Calling(Scripted):
        def price_with_tools(self, prompts: list[Prompt], tools: list[Tool], *rest: Any) -> list[Reading]:
            similar = next(tool for tool in tools if tool.name == "similar_items")
            self.found = [json.loads(similar.run(prompt.row, {"count": 1})) for prompt in prompts]
            return super().price_with_tools(prompts, tools, *rest)

    model = Calling(index=MemoryIndex())
    build(ToolsSpec(model="cloud:big", recalibrate=True), model).fit(TRAIN, _SHOP[120:], Silent())
    assert [len(lines) for lines in model.found] == [1] * len(TEST)
