"""A verdict check counts what it says: false losers among equals, and losers that were planted."""

import numpy as np
import polars as pl
import pytest

from tests.worker.evaluation.frames import job, noisy
from worker.evaluation import verdict_check
from worker.evaluation.verdict_check import Share


def priced(jobs: int = 4, n: int = 150) -> pl.DataFrame:
    """Techniques of quite different quality."""
    return pl.concat(noisy(number, n, 0.2 + 0.1 * number) for number in range(jobs))


def rate(frame: pl.DataFrame, by: str, worse: float, rounds: int = 60) -> float:
    sample = verdict_check.sample(frame, by, 2_000, 0)
    if worse:
        return float(np.mean(list(verdict_check.found_losers(sample, worse, by, 0.95, rounds, 0))))
    return float(np.mean(list(verdict_check.false_losers(sample, by, 0.95, rounds, 0))))


@pytest.mark.slow
@pytest.mark.parametrize("by", ["mae", "median_ape", "within"])
def test_equals_seldom_lose_and_one_that_is_far_worse_mostly_does(by: str) -> None:
    frame = priced()
    assert rate(frame, by, 0.0) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 60)
    assert rate(frame, by, 1.0 if by != "within" else 0.6) > 0.8


def test_more_rows_find_a_smaller_difference() -> None:
    few, many = (rate(priced(3, n), "mae", 0.1, 40) for n in (60, 1_000))
    assert few < many


def test_the_sample_keeps_whole_groups_and_no_more_rows_than_asked() -> None:
    truth = [10.0] * 90
    groups = [row // 3 for row in range(90)]
    frame = pl.concat(job(number, truth, [11.0 + number] * 90, group=groups) for number in range(2))
    sample = verdict_check.sample(frame, "mae", 50, 1)
    assert sample.errors.shape == (48, 2)
    assert set(np.bincount(sample.groups)) == {3}


def test_the_standard_error_of_a_share_is_never_nothing() -> None:
    assert Share(0, 100).error > 0
    assert Share(100, 100).error > 0
    assert Share(50, 100).error == pytest.approx(0.05)
