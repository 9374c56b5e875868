"""Do the two prompting techniques ask rightly, choose examples from the train side only, and keep unparsed apart?"""

import json
from typing import Any

import polars as pl
import pytest

from db.types import ITEM_SCHEMA, PREDICTION_SCHEMA
from worker.llm.base import Prompt, Reading, Readout
from worker.progress import Progress, Silent
from worker.specs import MultiShotSpec, ZeroShotSpec
from worker.techniques import build
from worker.techniques.prompting import MultiShot, ZeroShot


class Scripted:
    """The one fake: a model whose answers are known."""

    signature = "scripted"

    def __init__(self, prices: list[float | None]) -> None:
        self.prices = prices
        self.asked: list[Prompt] = []
        self.readout: Readout | None = None

    def price(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        self.asked, self.readout = prompts, readout
        progress.advance(len(prompts))
        return [
            Reading(price, price and price / 2, price and price * 2, 100, 20, 0.1, '{"text": "x"}')
            for price in self.prices[: len(prompts)]
        ]

    def index(self) -> Any:
        raise AssertionError

    def language_model(self, name: str) -> Any:
        self.name = name
        return self


def items(rows: range, category: str = "Tools", priced: bool = True) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row": list(rows),
            "title": [f"{category} thing {i}" for i in rows],
            "description": ["Does things."] * len(rows),
            "category": [category] * len(rows),
            "brand": [""] * len(rows),
            "price": [10.0 + i if priced else None for i in rows],
        },
        schema=ITEM_SCHEMA,
    )


def test_zero_shot_gives_one_line_per_item_in_order_with_unparsed_apart() -> None:
    model = Scripted([40.0, None, 7.0])
    asked = items(range(3), priced=False)[::-1]
    found = build(ZeroShotSpec(model="some-model", readout="mean", max_price=500), model).price(asked, Silent())
    assert found.schema == pl.Schema(PREDICTION_SCHEMA)
    assert found["row"].to_list() == [2, 1, 0]
    assert found["price"].to_list() == [40.0, None, 7.0]
    assert found["low"].to_list() == [20.0, None, 3.5]
    assert found["status"].to_list() == ["ok", "unparsed", "ok"]
    assert found["tokens_in"].to_list() == [100] * 3
    assert found["evidence"].to_list() == ['{"text": "x"}'] * 3
    assert model.name == "some-model"
    assert model.readout == Readout("mean", 500)


def test_zero_shot_needs_no_fit_and_multi_shot_does() -> None:
    assert not ZeroShotSpec.needs_fit
    assert MultiShotSpec.needs_fit


def test_no_items_give_an_empty_frame() -> None:
    assert ZeroShot(ZeroShotSpec(), Scripted([])).price(items(range(0)), Silent()).schema == pl.Schema(
        PREDICTION_SCHEMA
    )


@pytest.mark.parametrize("choose", ["random", "category"])
def test_examples_are_priced_train_items_and_the_same_for_the_same_seed(choose: str) -> None:
    train = pl.concat([items(range(20)), items(range(20, 40), "Toys"), items(range(40, 42), "Rare")])
    spec = MultiShotSpec(k=3, choose=choose, seed=5)  # type: ignore[arg-type]
    fitted = MultiShot(spec, Scripted([])).fit(train, items(range(90, 95)), Silent())
    again = MultiShot(spec, Scripted([])).fit(train.sample(fraction=1, shuffle=True), items(range(0)), Silent())
    assert fitted == again
    known = {(f"{title}\nCategory: {category}\nDoes things.", price)
             for title, category, price in train.select("title", "category", "price").iter_rows()}  # fmt: skip
    stored = json.loads(fitted.parts["examples.json"])
    assert all(tuple(example) in known for examples in stored.values() for example in examples)
    assert {len(examples) for examples in stored.values()} == {3}
    assert set(stored) == ({""} if choose == "random" else {"", "Tools", "Toys"})  # Rare has too few of its own


def test_items_get_examples_of_their_category_and_others_the_common_ones() -> None:
    train = pl.concat([items(range(20)), items(range(20, 40), "Toys")])
    model = Scripted([1.0, 2.0, 3.0])
    spec = MultiShotSpec(k=2, choose="category")
    technique = MultiShot(spec, model)
    technique.load(MultiShot(spec, model).fit(train, items(range(0)), Silent()))
    asked = pl.concat([items(range(50, 51), "Toys"), items(range(51, 52), "Unknown"), items(range(52, 53))])
    assert technique.price(asked, Silent())["price"].to_list() == [1.0, 2.0, 3.0]
    toys, _, tools = (prompt.shared for prompt in model.asked)
    assert "Toys thing" in toys
    assert "Tools thing" not in toys
    assert "Tools thing" in tools
    assert "Toys thing" not in tools


def test_a_train_side_without_usable_prices_is_a_cold_prompt() -> None:
    model = Scripted([5.0])
    technique = MultiShot(MultiShotSpec(max_price=9), model)
    technique.load(technique.fit(items(range(20)), items(range(0)), Silent()))  # all above 9 dollars
    assert technique.price(items(range(50, 51)), Silent())["price"].to_list() == [5.0]
