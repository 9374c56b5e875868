"""TabM learns, stops in time, and draws from nobody else's numbers."""

import numpy as np
import polars as pl
import pytest
import torch

from db.types import Artifact
from tests.worker.techniques.memory_index import MemoryResources, demo_items, mean_error, unpriced
from worker.progress import Silent
from worker.specs import ConstantSpec, TabMSpec
from worker.techniques.constant import Constant
from worker.techniques.tabm import TabM

pytestmark = pytest.mark.slow  # torch alone takes seconds

_SHOP = demo_items(1200)
TRAIN, VALIDATION, TEST = _SHOP[:900], _SHOP[900:1050], _SHOP[1050:]
_SMALL: dict[str, object] = {"epochs": 12, "text_dims": 32, "units": 64, "networks": 8, "learning_rate": 0.003}


def _fit(train: pl.DataFrame, validation: pl.DataFrame, **options: object) -> tuple[TabM, Artifact]:
    technique = TabM(TabMSpec.model_validate({**_SMALL, **options}), MemoryResources())
    return technique, technique.fit(train, validation, Silent())


def _prices(technique: TabM) -> list[float]:
    return technique.price(unpriced(TEST), Silent())["price"].to_list()


@pytest.fixture(scope="module")
def fitted() -> tuple[TabM, Artifact]:
    return _fit(TRAIN, VALIDATION)


def test_it_is_much_better_than_the_constant_on_the_demo_catalogue(fitted: tuple[TabM, Artifact]) -> None:
    constant = Constant(ConstantSpec(), MemoryResources())
    constant.fit(TRAIN, VALIDATION, Silent())
    plain = mean_error(TEST, constant.price(unpriced(TEST), Silent()))
    assert mean_error(TEST, fitted[0].price(unpriced(TEST), Silent())) < 0.65 * plain


def test_a_seed_gives_the_same_prices_and_another_one_others() -> None:
    first, again, other = (_prices(_fit(TRAIN[:200], VALIDATION, epochs=2, seed=seed)[0]) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_draws_of_others_are_left_as_they_are() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    _fit(TRAIN[:100], VALIDATION, epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_it_keeps_its_best_pass_where_more_of_them_do_not_help() -> None:
    """Prices without any pattern: each pass learns the train rows better and says more about others that is not so."""
    noise = TRAIN[:300].with_columns(price=pl.Series(np.exp(np.random.default_rng(0).normal(3, 1, 300))))
    level = VALIDATION.with_columns(price=pl.lit(20.0))
    longest, _ = _fit(noise, level[:0], epochs=15)  # too few rows to be judged by
    best, _ = _fit(noise, level, epochs=60)
    off = [np.abs(np.log(_prices(technique)) - np.log(20.0)).mean() for technique in (longest, best)]
    assert off[1] < 0.7 * off[0]


def test_a_table_without_a_price_has_no_answer() -> None:
    technique, artifact = _fit(TRAIN[:0], VALIDATION)
    assert set(artifact.parts) == {"about.json"}
    assert _prices(technique) == [None] * len(TEST)
