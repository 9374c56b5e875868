"""The median of the category, and of everything where a category is unknown or too small."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.types import ITEM_SCHEMA
from tests.worker.techniques.memory_index import MemoryResources, unpriced
from worker.progress import Silent
from worker.specs import ConstantSpec
from worker.techniques.constant import Constant


def _items(category: list[str], price: list[float]) -> pl.DataFrame:
    n = len(price)
    columns = {"row": range(n), "title": [""] * n, "description": [""] * n, "category": category, "brand": [""] * n}
    return pl.DataFrame({**columns, "price": price}, schema=ITEM_SCHEMA)


def _fitted(train: pl.DataFrame, **options: object) -> Constant:
    technique = Constant(ConstantSpec.model_validate(options), MemoryResources())
    technique.load(technique.fit(train, train.clear(), Silent()))
    return technique


TRAIN = _items(["toys"] * 5 + ["tools"] * 5 + ["rare"], [1, 2, 3, 4, 50, 10, 20, 30, 40, 500, 999])


def test_a_category_with_enough_items_gets_its_own_median() -> None:
    priced = _fitted(TRAIN).price(unpriced(_items(["tools", "toys"], [1, 1])), Silent())
    assert priced["price"].to_list() == [30, 3]
    assert json.loads(priced["evidence"][0]) == {"category": "tools", "n": 5}


def test_small_and_unknown_categories_get_the_overall_median() -> None:
    priced = _fitted(TRAIN).price(unpriced(_items(["rare", "never seen", ""], [1, 1, 1])), Silent())
    assert priced["price"].to_list() == [20, 20, 20]
    assert json.loads(priced["evidence"][0]) == {"category": "all items", "n": 11}


def test_min_items_decides_what_enough_is() -> None:
    assert _fitted(TRAIN, min_items=1).price(unpriced(_items(["rare"], [1])), Silent())["price"][0] == 999


def test_by_all_ignores_categories() -> None:
    assert _fitted(TRAIN, by="all").price(unpriced(_items(["toys"], [1])), Silent())["price"][0] == 20


def test_case_and_spaces_do_not_make_another_category() -> None:
    assert _fitted(TRAIN).price(unpriced(_items([" TOYS "], [1])), Silent())["price"][0] == 3


def test_a_category_named_like_the_overall_line_is_an_ordinary_category() -> None:
    train = _items(["all items"] * 5 + ["x"] * 6, [1.0] * 5 + [9.0] * 6)
    priced = _fitted(train).price(unpriced(_items(["all items", "unknown"], [1, 1])), Silent())
    assert priced["price"].to_list() == [1, 9]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.01, 1e6)), min_size=1, max_size=60))
def test_the_interval_contains_the_price_and_the_price_is_within_what_was_seen(rows: list[tuple[str, float]]) -> None:
    train = _items([category for category, _ in rows], [price for _, price in rows])
    priced = _fitted(train).price(unpriced(train), Silent())
    assert (priced["low"] <= priced["price"]).all()
    assert (priced["price"] <= priced["high"]).all()
    assert priced["price"].is_between(train["price"].min(), train["price"].max()).all()


@pytest.mark.parametrize("low", [0.05])
def test_about_nine_in_ten_train_prices_lie_in_the_interval(low: float) -> None:
    train = _items(["a"] * 1000, [float(price) for price in range(1, 1001)])
    priced = _fitted(train).price(unpriced(train), Silent())
    inside = train["price"].is_between(priced["low"], priced["high"]).mean()
    assert inside == pytest.approx(1 - 2 * low, abs=0.01)
