"""Baselines know no currency: prices of cents, of six digits and of yen come out as those of dollars do."""

import numpy as np
import polars as pl
import pytest

from tests.worker.techniques.scripted import Scripted
from tests.worker.techniques.shared.test_prompting import items
from worker import specs
from worker.progress import Silent
from worker.techniques import build

TRAIN = pl.concat([items(60, category="Tools"), items(60, first=60, category="Toys")]).with_columns(
    price=pl.when(pl.col("category") == "Tools").then(40.0).otherwise(8.0) + pl.col("row") % 5,
    title=pl.format("{} thing {}", "category", "row"),
)


def priced(technique: str, scale: float) -> np.ndarray:
    train = TRAIN.with_columns(pl.col("price") * scale)
    made = build(specs.parse({"technique": technique}), Scripted())
    artifact = made.fit(train.head(100), train.tail(20), Silent())
    fresh = build(specs.parse({"technique": technique}), Scripted())
    fresh.load(artifact)
    found = fresh.price(train.with_columns(price=pl.lit(None, pl.Float64)), Silent())
    assert set(found["status"]) == {"ok"}
    return found["price"].to_numpy()


@pytest.mark.slow
@pytest.mark.parametrize("technique", ["constant", "ridge", "lightgbm", "sparse-mlp"])
@pytest.mark.parametrize("scale", [0.01, 150.0, 20_000.0])
def test_prices_times_a_factor_give_answers_times_that_factor(technique: str, scale: float) -> None:
    np.testing.assert_allclose(priced(technique, scale) / scale, priced(technique, 1.0), rtol=0.02)
