"""The page learns what a model added to the neighbours it read, and nothing that was not shown."""

import json

import numpy as np
import polars as pl
import pytest

from worker.evaluation.neighbours_alone import added, weighted_median


def frame(model_error: np.ndarray, alone_error: np.ndarray) -> pl.DataFrame:
    n = len(model_error)
    return pl.DataFrame(
        {
            "truth": [100.0] * n,
            "price": 100.0 + model_error,
            "status": ["ok"] * n,
            "evidence": [json.dumps({"neighbours_alone": 100.0 + error}) for error in alone_error.tolist()],
        }
    )


RANDOM = np.random.default_rng(1)
NOISE = RANDOM.normal(0, 20, 200)


def test_a_better_and_a_worse_model_are_named_and_a_tie_is_not() -> None:
    better, worse = added(frame(NOISE / 2, NOISE)), added(frame(NOISE, NOISE / 2))
    assert better is not None
    assert worse is not None
    assert better.diff == pytest.approx(-np.abs(NOISE / 2).mean())
    assert better.diff_low < better.diff < better.diff_high < 0
    assert better.mae == pytest.approx(np.abs(NOISE).mean())
    assert better.verdict.startswith("The model is better than the neighbours alone")
    assert worse.diff_low > 0
    assert "leave it out" in worse.verdict
    tie = added(frame(NOISE, RANDOM.permutation(NOISE)))
    assert tie is not None
    assert tie.diff_low < 0 < tie.diff_high
    assert "not shown to differ" in tie.verdict


def test_a_row_that_weighs_three_is_three_rows_and_the_sentence_says_by_what() -> None:
    counts = np.random.default_rng(2).integers(1, 4, 200)
    weighted = added(frame(NOISE / 2, NOISE).with_columns(weight=pl.Series(counts, dtype=pl.Float64)), "sold")
    copies = added(frame(np.repeat(NOISE / 2, counts), np.repeat(NOISE, counts)))
    assert weighted is not None
    assert copies is not None
    assert (weighted.mae, weighted.diff) == (pytest.approx(copies.mae), pytest.approx(copies.diff))
    assert weighted.diff_low < copies.diff_low, "copies of a row are no rows more"
    assert "(MAE weighted by sold $" in weighted.verdict


def test_the_interval_is_of_the_level_that_was_asked_for() -> None:
    usual, wide = (added(frame(NOISE / 2, NOISE), level=level) for level in (0.95, 0.99))
    assert usual is not None
    assert wide is not None
    assert wide.diff_low < usual.diff_low
    assert ("95 % interval" in usual.verdict, "99 % interval" in wide.verdict) == (True, True)


def test_rows_that_one_side_did_not_price_do_not_count() -> None:
    rows = frame(NOISE[:4], NOISE[:4]).with_columns(
        truth=pl.Series([None, 100.0, 100.0, 100.0]),
        status=pl.Series(["ok", "unparsed", "ok", "ok"]),
        evidence=pl.when(pl.int_range(4) == 2).then(pl.lit('{"prompt": ""}')).otherwise("evidence"),
    )
    found = added(rows)
    assert found is not None
    assert found.n == 1
    assert added(rows.head(3)) is None
    assert added(rows.with_columns(evidence=pl.lit(None, pl.String))) is None


@pytest.mark.parametrize(
    ("prices", "similarities", "median"),
    [
        ([], [], None),
        ([5.0], [0.1], 5.0),
        ([1.0, 2.0, 90.0], [0.5, 0.5, 0.5], 2.0),
        ([1.0, 2.0, 90.0], [0.1, 0.1, 0.9], 90.0),
    ],
)
def test_the_weighted_median_trusts_the_closest(prices: list[float], similarities: list[float], median: object) -> None:
    assert weighted_median(prices, similarities) == median


def test_too_few_rows_advise_nothing() -> None:
    found = added(frame(NOISE[:3] * 3, NOISE[:3]))
    assert found is not None
    assert (found.diff_low, found.diff_high) == (None, None)
    assert found.verdict.startswith("Too few rows to say what the model adds")
