"""Cents, yen and the prices of cars: techniques that ask no language model are as good there as on dollars."""

import numpy as np
import polars as pl
import pytest

from tests.worker.techniques.memory_index import MemoryResources, demo_items, unpriced
from worker.progress import Silent
from worker.specs import SPECS, CombinedSpec, parse
from worker.techniques import build

SHOP = demo_items(260)
OWN = [name for name, kind in SPECS.items() if not kind.uses_llm and not issubclass(kind, CombinedSpec)]
SMALL = {"lightgbm": {"trees": 30, "text_dims": 16}}
SCALES = {"cents": (0.01, 2), "yen": (150.0, 0), "cars": (400.0, 2)}


def _median_error(name: str, times: float, places: int) -> float:
    shop = SHOP.with_columns((pl.col("price") * times).round(places))
    if name == "hidden-boosting":
        pytest.skip("It reads a language model.")
    technique = build(parse({"technique": name, **SMALL.get(name, {})}), MemoryResources(None, None))
    technique.load(technique.fit(shop[:180], shop[180:220], Silent()))
    priced = technique.price(unpriced(shop[220:]), Silent()).join(shop.select("row", truth="price"), on="row")
    known = priced.filter(pl.col("truth") > 0)
    assert known["price"].is_finite().all()
    return float(np.median((known["price"] / known["truth"] - 1).abs().to_numpy()))


@pytest.mark.slow
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", OWN)
def test_a_technique_is_as_good_on_other_prices_as_on_dollars(name, scale):
    assert _median_error(name, *SCALES[scale]) <= 1.15 * _median_error(name, 1.0, 2) + 0.02
