"""Slices hold every shared item exactly once, under the right name."""

import polars as pl
import pytest
from hypothesis import given, settings

from tests.worker.evaluation.frames import comparisons, job
from worker.evaluation import compare, slices


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(comparisons())
def test_bands_share_out_all_items_of_every_job(predictions: pl.DataFrame) -> None:
    bands = slices.by_band(predictions, n_boot=10)
    whole = compare.table(predictions, n_boot=10).select("job_id", "n")
    counted = bands.group_by("job_id").agg(pl.col("n").sum())
    assert whole.sort("job_id").equals(counted.sort("job_id"))
    assert set(bands["slice"]) <= set(slices.bands(predictions["truth"].to_numpy())[1])


@pytest.mark.parametrize(
    ("price", "band"),
    [(0.01, "$0–10"), (9.99, "$0–10"), (10.0, "$10–25"), (99.99, "$50–100"), (500.0, "$500+"), (1e6, "$500+")],
)
def test_a_price_on_an_edge_belongs_to_the_band_above(price: float, band: str) -> None:
    assert slices.by_band(job(1, [price], [1.0]), n_boot=5)["slice"].to_list() == [band]


def test_categories_come_biggest_first_and_small_ones_are_put_together() -> None:
    categories = ["toys"] * 4 + ["tools"] * 3 + [""] * 2 + ["rare"]
    frame = job(1, [10.0] * 10, [11.0] * 10, category=categories)
    table = slices.by_category(frame, top=3, n_boot=5)
    assert list(zip(table["slice"], table["n"], strict=True)) == [
        ("toys", 4),
        ("tools", 3),
        ("(none)", 2),
        ("(other)", 1),
    ]
    assert table["order"].to_list() == [0, 1, 2, 3]


def test_a_slice_says_which_job_is_best_in_it() -> None:
    truth = [5.0] * 30 + [300.0] * 30
    cheap_expert = job(1, truth, [5.1] * 30 + [100.0] * 30)
    dear_expert = job(2, truth, [20.0] * 30 + [310.0] * 30)
    table = slices.by_band(pl.concat([cheap_expert, dear_expert]), n_boot=50)
    best = table.filter(pl.col("verdict") == "best")
    assert dict(zip(best["slice"], best["job_id"], strict=True)) == {"$0–10": 1, "$250–500": 2}


def test_nothing_to_slice_gives_an_empty_frame_with_all_columns() -> None:
    for table in (slices.by_band(job(1, [], [])), slices.by_category(job(1, [], []))):
        assert set(table.columns) == {*compare.COLUMNS, "slice", "order"}
        assert len(table) == 0
