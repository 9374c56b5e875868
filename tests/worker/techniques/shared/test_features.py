"""What trees and networks read of an item says nothing of its own price."""

import numpy as np
import polars as pl
import pytest

from tests.worker.techniques.memory_index import demo_items
from worker.progress import Silent
from worker.techniques.shared.features import Features

MEANS = slice(-8, -6)  # of category and brand; six numbers follow


def test_the_means_of_train_rows_do_not_give_their_prices_away() -> None:
    """Noise without any pattern: what a row's own mean says about its price must not be more than chance."""
    logs = np.random.default_rng(2).normal(0, 1, 2000)
    train = pl.DataFrame(
        {"category": ["c"] * 2000, "brand": [f"b{i % 7}" for i in range(2000)], "title": "", "description": ""}
    )
    features = Features()
    _, columns = features.learn(train, logs, 8, Silent())
    means = columns[:, MEANS]
    assert len(np.unique(means[:, 0])) <= 5
    assert abs(np.corrcoef(means[:, 1], logs)[0, 1]) < 0.3
    assert features.read(train)[1][0, MEANS][0] == pytest.approx(logs.sum() / 2010, abs=1e-6)


def test_unknown_brands_and_categories_count_as_average() -> None:
    shop = demo_items(300)
    features = Features()
    features.learn(shop, np.log(shop["price"].to_numpy()), 8, Silent())
    odd = shop[:1].with_columns(brand=pl.lit("never seen"), category=pl.lit("never seen"))
    assert features.read(odd)[1][0, MEANS].tolist() == [0, 0]
