"""The profile counts every row once and its figures are those of the table."""

import json

import numpy as np
import polars as pl
import pytest

from worker.datasets.profile import Profiler
from worker.ingest.types import BATCH_ITEMS, BATCH_REJECTS


def batch(
    prices: list[float | None], brand: str = "Acme", reasons: list[str] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    n = len(prices)
    items = pl.DataFrame(
        {
            "line": range(n),
            "external_id": [""] * n,
            "title": ["x" * (i + 1) for i in range(n)],
            "description": [""] * n,
            "category": [f"c{i % 3}" for i in range(n)],
            "brand": [brand] * n,
            "price": prices,
            "original_price": [None] * n,
            "original_currency": [""] * n,
            "weight": [None] * n,
            "side": [None] * n,
            "date": [None] * n,
            "quantity": [None] * n,
        },
        schema=BATCH_ITEMS,
    )
    reasons = reasons or []
    columns = {"line": range(len(reasons)), "raw": reasons, "reason": reasons, "count": [1] * len(reasons)}
    rejects = pl.DataFrame(columns, schema=BATCH_REJECTS)
    return items, rejects


def test_figures_are_those_of_the_table() -> None:
    profiler = Profiler()
    prices = np.random.default_rng(0).lognormal(3, 1.5, 5000)
    profiler.add(*batch(list(prices[:3000])))
    profiler.add(
        *batch(
            [*prices[3000:], None, None],
            brand="",
            reasons=["no title", "price 'a' is not a number", "price 'b' is not a number"],
        )
    )
    result = profiler.result(np.concatenate([np.arange(5000), [4999, 4999]]))
    json.dumps(result)
    assert (result["rows"], result["items"], result["rejects"]) == (5005, 5002, 3)
    assert result["missing"] == {
        "external_id": 5002,
        "title": 0,
        "description": 5002,
        "category": 0,
        "brand": 2002,
        "price": 2,
        "weight": 5002,
        "side": 5002,
        "date": 5002,
        "quantity": 5002,
    }
    assert result["reasons"] == {"price is not a number": 2, "no title": 1}
    assert result["duplicates"] == {"groups": 1, "items": 3, "largest": 3}
    assert result["price"]["quantiles"]["0.0"] == prices.min()
    assert result["price"]["quantiles"]["1.0"] == prices.max()
    assert result["price"]["quantiles"]["0.5"] == pytest.approx(np.median(prices), rel=0.024)
    histogram = result["price"]["histogram"]
    assert sum(histogram["counts"]) == 5000
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1
    counted, _ = np.histogram(prices, bins=histogram["edges"])
    assert counted.tolist() == pytest.approx(histogram["counts"], abs=2)
    assert result["lengths"]["title"]["1.0"] == 3000
    assert result["categories"]["distinct"] == 3
    assert result["brands"]["top"] == [{"name": "Acme", "items": 3000}]


def test_an_empty_table_has_a_profile() -> None:
    profiler = Profiler()
    profiler.add(*batch([]))
    result = profiler.result(np.empty(0, dtype=np.int64))
    assert result["rows"] == 0
    assert result["price"]["count"] == 0
    json.dumps(result)


def test_one_price_and_tiny_and_huge_prices_have_a_histogram() -> None:
    profiler = Profiler()
    profiler.add(*batch([0.000001, 5.0, 999_999_999.0]))
    histogram = profiler.result(np.arange(3))["price"]["histogram"]
    assert sum(histogram["counts"]) == 3
    assert histogram["edges"] == sorted(histogram["edges"])


def test_names_beyond_counting_are_cut() -> None:
    profiler = Profiler()
    for start in range(0, 150_000, 50_000):
        frame = pl.DataFrame({"category": [f"c{i}" for i in range(start, start + 50_000)]})
        profiler._count_names("category", frame["category"])
    part = profiler._names_part("category")
    assert part["is_cut"]
    assert part["distinct"] <= 100_000
