"""How often one of several equal techniques is called worse, and whether one that is worse is still found."""

import itertools

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


@pytest.mark.slow
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


def test_more_jobs_and_more_slices_widen_every_interval() -> None:
    random = np.random.default_rng(1)
    values = np.abs(random.normal(0, 1, (200, 8)))
    others = [sample(np.abs(random.normal(0, 1, (200, 8)))) for _ in range(5)]

    def width(samples: list[pairs.Sample]) -> float:
        _, low, high = pairs.differences(samples, resampling.means, 2000, 0)[0].of(0, 1)
        return high - low

    two, eight, sliced = width([sample(values[:, :2])]), width([sample(values)]), width([sample(values), *others])
    assert two < eight < sliced


def test_twins_among_the_jobs_cost_nothing() -> None:
    values = np.abs(np.random.default_rng(2).normal(0, 1, (200, 3)))
    with_twins = np.concatenate([values, values[:, [2, 2, 2]]], axis=1)
    plain, more = (
        pairs.differences([sample(each)], resampling.means, 2000, 0)[0].of(0, 1) for each in (values, with_twins)
    )
    assert more == pytest.approx(plain)
    assert pairs.differences([sample(with_twins)], resampling.means, 200, 0)[0].of(2, 5) == (0, 0, 0)


def test_a_difference_turns_its_sign_with_the_pair() -> None:
    values = np.abs(np.random.default_rng(3).normal(0, 1, (50, 4)))
    found = pairs.differences([sample(values)], resampling.means, 100, 0)[0]
    for first in range(4):
        for second in range(4):
            gap, low, high = found.of(first, second)
            assert gap == pytest.approx(values[:, first].mean() - values[:, second].mean())
            assert low <= gap <= high
            assert found.of(second, first) == pytest.approx((-gap, -high, -low))


def test_jobs_that_answered_no_common_item_are_not_compared() -> None:
    values = np.ones((40, 3))
    values[:20, 0] = values[20:, 1] = np.nan
    found = pairs.differences([sample(values)], resampling.means, 100, 0)[0]
    assert np.isnan(found.of(0, 1)).all()
    assert found.of(0, 2) == (0, 0, 0)


def test_techniques_that_surely_differ_do_not_widen_the_interval_of_the_rest() -> None:
    values = np.abs(np.random.default_rng(4).normal(0, 1, (200, 8)))
    far = values + np.array([0, 0, *range(5, 11)])

    def width(errors: npt.NDArray[np.float64]) -> float:
        _, low, high = pairs.differences([sample(errors)], resampling.means, 2000, 0)[0].of(0, 1)
        return high - low

    assert width(values[:, :2]) == pytest.approx(width(far), rel=0.02)
    assert width(far) < width(values)


@pytest.mark.slow
def test_the_planned_rows_tell_a_true_difference_as_often_as_they_promise() -> None:
    """Rows are planned from the noise of one small sample; then samples of that size are judged."""
    random = np.random.default_rng(6)

    def drawn(rows: int, worse: float) -> pairs.Sample:
        hard = np.abs(random.normal(0, 3, (rows, 1)))
        return sample(hard + np.abs(random.normal(0, 1, (rows, 2))) + np.array([0.0, worse]))

    first = drawn(150, 0.0)
    off = first.errors[:, 1] - first.errors[:, 0]
    pilot = sample(np.column_stack([first.errors[:, 0], first.errors[:, 1] - off.mean() + 0.15]))  # as if it were 0.15
    planned = round(150 * pairs.differences([pilot], resampling.means, 1000, 0)[0].times_rows(1, 0))
    found = sum(
        pairs.differences([drawn(planned, 0.15)], resampling.means, 400, number)[0].of(1, 0)[1] > 0
        for number in range(300)
    )
    assert found / 300 == pytest.approx(pairs.POWER, abs=0.1)  # the noise is known to a tenth, a share of 300 to 0.02


def test_equal_techniques_need_infinitely_many_rows_and_unknown_ones_an_unknown_number() -> None:
    values = np.abs(np.random.default_rng(3).normal(0, 1, (50, 2)))
    equal, few = np.column_stack([values, values[:, 0]]), values[:5]
    assert pairs.differences([sample(equal)], resampling.means, 100, 0)[0].times_rows(0, 2) == np.inf
    assert np.isnan(pairs.differences([sample(few)], resampling.means, 100, 0)[0].times_rows(0, 1))


def test_runs_of_one_technique_stand_with_their_mean_and_their_spread_widens_the_interval() -> None:
    random = np.random.default_rng(7)
    items = np.abs(random.normal(5, 1, (300, 1)))
    other = items + np.abs(random.normal(0, 0.1, (300, 1)))
    alike, apart = (
        items + np.abs(random.normal(0, 0.1, (300, 4))) + np.array(shift) for shift in ([0] * 4, [0, 2, 4, 6])
    )

    def of(runs: npt.NDArray[np.float64]) -> tuple[float, float, float]:
        whole = pairs.Sample(np.hstack([other, runs]), resampling.alone(300), np.array([0, 1, 1, 1, 1]))
        return pairs.differences([whole], resampling.means, 2000, 0)[0].of(1, 0)

    for runs in (alike, apart):
        gap, low, high = of(runs)
        assert gap == pytest.approx(runs.mean() - other.mean())
        assert low < gap < high
    spread = np.std([0, 2, 4, 6], ddof=1) / 2  # of a mean of four
    reach = of(apart)[2] - of(apart)[0]
    assert reach == pytest.approx(1.97 * spread, rel=0.1)
    assert of(alike)[2] - of(alike)[0] < reach / 20


def test_the_interval_of_repeated_runs_holds_the_truth_of_the_technique_not_that_of_its_runs() -> None:
    """Two techniques that are equal on average, whose runs differ: one run of each is called different far too often,
    the mean of eight runs seldom."""
    random = np.random.default_rng(8)
    wrong = np.zeros(2)
    for number in range(100):
        runs = np.abs(random.normal(10, 1, (200, 1))) + random.normal(0, 0.5, (200, 16)) + random.normal(0, 0.4, 16)
        repeated = pairs.Sample(runs, resampling.alone(200), np.repeat([0, 1], 8))
        single = sample(runs[:, [0, 8]])
        for place, each in enumerate((single, repeated)):
            _, low, high = pairs.differences([each], resampling.means, 300, number)[0].of(0, 1)
            wrong[place] += not low <= 0 <= high
    assert wrong[0] > 50
    assert wrong[1] <= 14  # 5 % asked; eight runs know their own spread roughly


def test_columns_made_a_part_at_a_time_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    values = np.abs(random.normal(0, 1, (120, 6)))
    values[random.random(values.shape) < 0.05] = np.nan  # each left other items unanswered: 30 columns
    (whole,) = pairs.differences([sample(values)], resampling.means, 300, 0)
    monkeypatch.setattr(pairs, "_ROOM", 400)
    (parts,) = pairs.differences([sample(values)], resampling.means, 300, 0)
    for one, other in itertools.combinations(range(6), 2):
        assert parts.of(one, other) == pytest.approx(whole.of(one, other))
        assert parts.times_rows(one, other) == pytest.approx(whole.times_rows(one, other))
        both = ~np.isnan(values[:, one] - values[:, other])
        assert whole.of(one, other)[0] == pytest.approx((values[both, one] - values[both, other]).mean())
