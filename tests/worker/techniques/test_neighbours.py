"""The nearest neighbour decides, the weights do what they say, and their spread is told."""

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.worker.techniques.memory_index import MemoryResources, demo_items, mean_error, unpriced
from worker.progress import Silent
from worker.specs import NeighboursSpec
from worker.techniques.neighbours import Neighbours

_SHOP = demo_items(900)
TRAIN, VALIDATION, TEST = _SHOP[:600], _SHOP[600:750], _SHOP[750:]


def _fitted(validation: pl.DataFrame = VALIDATION, **options: object) -> Neighbours:
    resources = MemoryResources()
    spec = NeighboursSpec.model_validate(options)
    artifact = Neighbours(spec, resources).fit(TRAIN, validation, Silent())
    technique = Neighbours(spec, resources)
    technique.load(artifact)
    return technique


def told(evidence: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = json.loads(evidence)["neighbours"]
    return lines


def test_it_is_better_than_the_overall_median() -> None:
    priced = _fitted().price(unpriced(TEST), Silent())
    assert mean_error(TEST, priced) < 0.9 * (TEST["price"] - TRAIN["price"].median()).abs().mean()  # type: ignore[operator]


def test_a_product_that_is_known_costs_what_it_costs() -> None:
    twin = TRAIN[:1].with_columns(row=pl.lit(5000, pl.Int64))
    assert _fitted(k=1).price(unpriced(twin), Silent())["price"][0] == pytest.approx(TRAIN["price"][0])


def test_a_train_item_is_not_its_own_neighbour() -> None:
    priced = _fitted(k=1).price(unpriced(TRAIN[:20]), Silent())
    neighbours = [told(line)[0]["id"] for line in priced["evidence"]]
    assert all(f"row:{own}" != other for own, other in zip(TRAIN["row"][:20], neighbours, strict=True))


def test_sharpness_zero_is_the_plain_mean_of_the_log_prices() -> None:
    priced = _fitted(k=4, sharpness=0).price(unpriced(TEST[:10]), Silent())
    for price, line in zip(priced["price"], priced["evidence"], strict=True):
        logs = [math.log(entry["price"]) for entry in told(line)]
        assert math.log(price) == pytest.approx(sum(logs) / 4)


def test_evidence_is_the_first_five_neighbours_best_first() -> None:
    line = told(_fitted().price(unpriced(TEST[:1]), Silent())["evidence"][0])
    assert len(line) == 5
    assert [set(entry) for entry in line] == [{"id", "title", "price", "similarity", "age_days"}] * 5
    similarities = [entry["similarity"] for entry in line]
    assert similarities == sorted(similarities, reverse=True)


def test_more_neighbours_than_train_rows_are_no_problem() -> None:
    resources = MemoryResources()
    technique = Neighbours(NeighboursSpec(k=200), resources)
    technique.load(technique.fit(TRAIN[:3], VALIDATION.clear(), Silent()))
    priced = technique.price(unpriced(TEST[:4]), Silent())
    assert priced["price"].is_between(TRAIN["price"][:3].min(), TRAIN["price"][:3].max()).all()


def test_neighbours_that_differ_more_say_so_in_a_wider_spread() -> None:
    priced = _fitted().price(unpriced(TEST), Silent())
    deviation = [np.std(np.log([entry["price"] for entry in told(line)])) for line in priced["evidence"]]
    spread = (priced["high"] / priced["low"]).log()
    assert np.corrcoef(deviation, spread)[0, 1] > 0.5


def test_only_train_rows_enter_the_index() -> None:
    resources = MemoryResources()
    Neighbours(NeighboursSpec(), resources).fit(TRAIN, VALIDATION, Silent())
    assert resources.index().train["row"].to_list() == TRAIN["row"].to_list()
