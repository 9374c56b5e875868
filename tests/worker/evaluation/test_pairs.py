"""How often one of several equal techniques is called worse, and whether one that is worse is still found."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from tests.worker.evaluation.frames import job
from worker.evaluation import compare, pairs, resampling

ROUNDS = 100


def guesses(
    random: np.random.Generator, n: int, jobs: int, copies: int = 1, *, own: float = 0.5, worse: float = 0.0
) -> pl.DataFrame:
    """Techniques of equal error on skewed prices, hard items hard for all, `own` noise of each; rows in groups of
    so many copies. The last technique is off by `worse` times as much more."""
    groups = -(-n // copies)
    truth = np.exp(random.normal(4, 1, groups))
    noise = random.normal(0, 0.5, groups)[:, None] + random.normal(0, own, (groups, jobs))
    price = truth[:, None] * np.exp(noise)
    price[:, -1] = truth + (price[:, -1] - truth) * (1 + worse)
    rows = np.repeat(np.arange(groups), copies)[:n]
    return pl.concat(
        job(number, truth[rows].tolist(), price[rows, number].tolist(), group=rows.tolist()) for number in range(jobs)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "copies"), [(2, 1), (6, 1), (12, 1), (6, 3)])
def test_equal_techniques_are_seldom_called_worse(jobs: int, copies: int) -> None:
    """In at most 5 % of comparisons, plus the standard error of as many rounds. `python -m benchmarks verdicts` counts
    more of them."""
    random = np.random.default_rng([jobs, copies])
    wrong = sum(
        (compare.table(guesses(random, 150, jobs, copies), n_boot=200, seed=number)["verdict"] == "worse").any()
        for number in range(ROUNDS)
    )
    assert wrong / ROUNDS <= 0.05 + np.sqrt(0.05 * 0.95 / ROUNDS)


def test_a_technique_that_is_worse_is_found_among_many() -> None:
    random = np.random.default_rng(5)
    found = 0
    for number in range(30):
        table = compare.table(guesses(random, 385, 12, own=0.2, worse=0.25), n_boot=200, seed=number)
        found += table.filter(pl.col("job_id") == 11)["verdict"].item() == "worse"
    assert found >= 24


def sample(errors: npt.ArrayLike) -> pairs.Sample:
    values = np.asarray(errors, dtype=float)
    return pairs.Sample(values, resampling.alone(len(values)))


def means(errors: resampling.Floats, groups: resampling.Groups) -> resampling.Figure:
    return resampling.means(errors)


def test_more_jobs_and_more_slices_widen_every_interval() -> None:
    random = np.random.default_rng(1)
    values = np.abs(random.normal(0, 1, (200, 8)))
    others = [sample(np.abs(random.normal(0, 1, (200, 8)))) for _ in range(5)]

    def width(samples: list[pairs.Sample]) -> float:
        _, low, high = pairs.differences(samples, means, 2000, 0)[0].of(0, 1)
        return high - low

    two, eight, sliced = width([sample(values[:, :2])]), width([sample(values)]), width([sample(values), *others])
    assert two < eight < sliced


def test_twins_among_the_jobs_cost_nothing() -> None:
    values = np.abs(np.random.default_rng(2).normal(0, 1, (200, 3)))
    with_twins = np.concatenate([values, values[:, [2, 2, 2]]], axis=1)
    plain, more = (pairs.differences([sample(each)], means, 2000, 0)[0].of(0, 1) for each in (values, with_twins))
    assert more == pytest.approx(plain)
    assert pairs.differences([sample(with_twins)], means, 200, 0)[0].of(2, 5) == (0, 0, 0)


def test_a_difference_turns_its_sign_with_the_pair() -> None:
    values = np.abs(np.random.default_rng(3).normal(0, 1, (50, 4)))
    found = pairs.differences([sample(values)], means, 100, 0)[0]
    for first in range(4):
        for second in range(4):
            gap, low, high = found.of(first, second)
            assert gap == pytest.approx(values[:, first].mean() - values[:, second].mean())
            assert low <= gap <= high
            assert found.of(second, first) == pytest.approx((-gap, -high, -low))


def test_jobs_that_answered_no_common_item_are_not_compared() -> None:
    values = np.ones((40, 3))
    values[:20, 0] = values[20:, 1] = np.nan
    found = pairs.differences([sample(values)], means, 100, 0)[0]
    assert np.isnan(found.of(0, 1)).all()
    assert found.of(0, 2) == (0, 0, 0)
