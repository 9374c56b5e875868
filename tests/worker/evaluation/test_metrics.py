"""The figures of one job are what their names say."""

import math

import numpy as np
import polars as pl
import pytest
import sklearn.metrics as sklearn
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.evaluation.frames import job, prices
from worker.evaluation import metrics


def test_errors_of_a_small_example_worked_by_hand() -> None:
    frame = job(1, [10.0, 100.0, 50.0, 20.0], [12.0, 50.0, 50.0, None], usd=0.002, seconds=0.05)
    found = metrics.summary(frame)
    assert found["n"] == 4
    assert found["mae"] == pytest.approx((2 + 50 + 0) / 3)
    assert found["rmse"] == pytest.approx(math.sqrt((4 + 2500) / 3))
    assert found["median_ape"] == pytest.approx(0.2)
    assert found["within"] == pytest.approx(2 / 3), "12 for 10 is exactly 20 % off and counts"
    assert found["parse_rate"] == pytest.approx(0.75)
    assert found["usd_per_1000"] == pytest.approx(2.0)
    assert found["p50_ms"] == pytest.approx(50)
    logs = [math.log(13 / 11), math.log(51 / 101), 0.0]
    assert found["rmsle"] == pytest.approx(math.sqrt(sum(value**2 for value in logs) / 3))


def test_an_unreadable_answer_is_counted_but_never_judged_as_zero() -> None:
    with_gap = metrics.summary(job(1, [10.0, 10.0], [11.0, None]))
    assert with_gap["mae"] == pytest.approx(1.0)
    assert with_gap["n"] == 2
    assert with_gap["parse_rate"] == 0.5


def test_a_price_beside_a_status_that_is_not_ok_is_not_judged() -> None:
    frame = job(1, [10.0, 10.0], [11.0, 500.0]).with_columns(status=pl.Series(["ok", "failed"]))
    assert metrics.summary(frame)["mae"] == pytest.approx(1.0)


def test_nothing_answered_has_no_error_but_a_cost() -> None:
    found = metrics.summary(job(1, [10.0, 20.0], [None, None], usd=0.5))
    assert found["mae"] is None
    assert found["within"] is None
    assert found["parse_rate"] == 0.0
    assert found["usd_per_1000"] == pytest.approx(500)


def test_items_without_a_known_price_are_left_out() -> None:
    assert metrics.summary(job(1, [10.0, None], [11.0, 99.0]))["n"] == 1


def test_a_truth_of_zero_has_no_relative_error() -> None:
    found = metrics.summary(job(1, [0.0, 10.0], [5.0, 15.0]))
    assert found["median_ape"] == pytest.approx(0.5)
    assert found["mae"] == pytest.approx(5.0)


@settings(deadline=None)
@given(st.lists(st.tuples(prices, prices), min_size=1, max_size=50))
def test_figures_agree_with_numpy(pairs: list[tuple[float, float]]) -> None:
    truth, price = np.array(pairs).T
    found = metrics.summary(job(1, truth.tolist(), price.tolist()))
    assert found["mae"] == pytest.approx(np.abs(truth - price).mean())
    assert found["median_ape"] == pytest.approx(np.median(np.abs(truth - price) / truth))
    assert found["rmse"] >= found["mae"] * (1 - 1e-12)
    assert 0 <= found["within"] <= 1


@settings(deadline=None)
@given(prices)
def test_a_perfect_guess_has_no_error(price: float) -> None:
    found = metrics.summary(job(1, [price], [price]))
    assert (found["mae"], found["rmsle"], found["median_ape"], found["within"]) == (0, 0, 0, 1)


@settings(deadline=None)
@given(st.lists(st.tuples(prices, prices), min_size=2, max_size=50))
def test_figures_agree_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    truth, price = np.array(pairs).T
    found = metrics.summary(job(1, truth.tolist(), price.tolist()))
    assert found["mape"] == pytest.approx(sklearn.mean_absolute_percentage_error(truth, price))
    assert found["bias"] == pytest.approx((price - truth).mean(), abs=1e-9)
    assert found["smape"] == pytest.approx(np.mean(2 * np.abs(price - truth) / (price + truth)))
    if truth.std() > 1e-3 * truth.mean():  # else digits of the variance are lost
        assert found["r2"] == pytest.approx(sklearn.r2_score(truth, price), rel=1e-6)


def test_shares_within_10_20_and_40_percent_count_guesses_on_the_border() -> None:
    found = metrics.summary(job(1, [100.0] * 5, [100.0, 110.0, 80.0, 140.0, 141.0]))
    assert [found[key] for key in ("within_10", "within", "within_40")] == pytest.approx([0.4, 0.6, 0.8])


def test_alike_prices_leave_no_variance_to_explain() -> None:
    assert metrics.summary(job(1, [10.0, 10.0], [9.0, 11.0]))["r2"] is None
