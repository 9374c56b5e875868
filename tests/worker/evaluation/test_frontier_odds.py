"""The probability of being on the frontier: what is certain is said so, and what is said to be so in 80 of 100 cases is
so in about 80."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from benchmarks.frontier import case
from tests.worker.evaluation.frames import comparisons, job, noisy
from worker.evaluation import frontier_odds, resampling
from worker.evaluation.measures import DECIDING


def odds(*jobs: pl.DataFrame, by: str = "mae") -> dict[int, float | None]:
    return dict(frontier_odds.odds(pl.concat(jobs), 300, by=by).iter_rows())


def test_the_cheapest_is_on_it_and_one_that_is_dearer_and_worse_is_not() -> None:
    said = odds(noisy(1, 200, 0.2, usd=1e-6), noisy(2, 200, 0.8, usd=1e-3))
    assert said == {1: 1.0, 2: 0.0}


def test_a_dearer_one_is_on_it_as_far_as_it_is_better() -> None:
    said = odds(noisy(1, 200, 0.8, usd=1e-6), noisy(2, 200, 0.2, usd=1e-3))
    assert said == {1: 1.0, 2: 1.0}


@pytest.mark.parametrize("by", DECIDING)
def test_every_measure_knows_which_way_is_better(by: str) -> None:
    said = odds(noisy(1, 300, 0.2, usd=1e-6), noisy(2, 300, 0.9, usd=1e-3), by=by)
    assert said == {1: 1.0, 2: 0.0}


def test_twins_are_both_on_it() -> None:
    twin = noisy(1, 100, 0.5)
    assert odds(twin, twin.with_columns(job_id=pl.lit(2, pl.Int64))) == {1: 1.0, 2: 1.0}


def test_what_hangs_on_the_cost_of_the_items_is_in_doubt() -> None:
    truth = [50.0] * 60
    few_dear = [1e-3 if row % 20 == 0 else 1e-6 for row in range(60)]
    plain = job(1, truth, [60.0] * 60, usd=4e-5)
    lumpy = job(2, truth, [60.0] * 60).with_columns(usd=pl.Series(few_dear))  # 5.1e-5 on average
    said = odds(plain, lumpy)
    assert 0.5 < said[1] < 1
    assert said[1] + said[2] == pytest.approx(1)


def test_an_unknown_cost_and_few_answers_have_no_place() -> None:
    unknown = noisy(2, 100, 0.1).with_columns(usd=pl.when(pl.col("row") > 0).then(pl.col("usd")))
    said = odds(noisy(1, 100, 0.5), unknown, noisy(3, 100, 0.1, unread=0.5))
    assert said[1] == 1.0
    assert said[2] is said[3] is None


def test_too_few_groups_say_nothing_and_no_items_neither() -> None:
    truth = [50.0] * 100
    copies = job(1, truth, [40.0] * 100, group=[row % 5 for row in range(100)])
    assert odds(copies) == {1: None}
    assert odds(noisy(1, 50, 0.5), noisy(2, 50, 0.5).with_columns(pl.col("row") + 1000)) == {1: None, 2: None}
    assert frontier_odds.odds(noisy(1, 20, 0.5).clear()).is_empty()


@settings(deadline=None, max_examples=30)
@given(comparisons())
def test_it_is_a_probability_for_each_job_and_somebody_is_on_the_frontier(frame: pl.DataFrame) -> None:
    said = frontier_odds.odds(frame, 50)
    assert said["job_id"].to_list() == sorted(frame["job_id"].unique())
    known = said["frontier_odds"].drop_nulls()
    assert ((known >= 0) & (known <= 1)).all()
    assert known.is_empty() or known.sum() >= 1 - 1e-9


def test_runs_of_one_technique_are_one_line_and_how_far_they_lie_apart_is_doubt() -> None:
    # Dearer than the rival; its first run is surely better, the second surely worse.
    frame = pl.concat([noisy(1, 300, 0.2, usd=1e-3), noisy(2, 300, 0.45, usd=1e-5), noisy(3, 300, 0.8, usd=1e-3)])
    said = dict(frontier_odds.odds(frame, 400, repeats={3: 1}).iter_rows())
    assert said.keys() == {1, 2}
    assert said[2] == 1.0
    assert 0.05 < said[1] < 0.95
    assert dict(frontier_odds.odds(frame.filter(pl.col("job_id") != 3), 400).iter_rows()) == {1: 1.0, 2: 1.0}


def test_what_is_near_equal_is_less_sure_than_its_resamples_say() -> None:
    random = np.random.default_rng(3)
    errors = random.gamma(2, 30, (200, 1)) + random.normal(0, 20, (200, 8))
    costs = np.tile(np.arange(1.0, 9.0), (200, 1))
    said = frontier_odds.probabilities(errors, costs, resampling.alone(200), DECIDING["mae"], 2000)
    assert said[0] == 1.0
    assert said[1:].max() < 0.8


@pytest.mark.slow
def test_what_is_said_to_be_so_in_80_of_100_cases_is_so_in_about_80() -> None:
    cases = [case(6, spread, 1.0, 220, n=120, n_boot=200) for spread in (0.1, 0.3, 0.6)]
    said, is_so = (np.concatenate(each) for each in zip(*cases, strict=True))
    for middle in (0.2, 0.5, 0.8):
        inside = abs(said - middle) <= 0.1
        assert inside.sum() > 150
        assert is_so[inside].mean() == pytest.approx(middle, abs=0.08)
