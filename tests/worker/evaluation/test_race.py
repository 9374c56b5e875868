"""Watching a race costs nothing: equal techniques are not told apart at any time, different ones soon are."""

import numpy as np
import pytest

from worker.evaluation import race
from worker.evaluation.race import Rule

N = 200


def a_rule(**changes) -> Rule:
    return Rule(**({"bound": 100.0, "groups": N, "margin": 0.0, "is_share": False} | changes))


def errors(seed: int, k: int, n: int = N, *, worse: float = 0.0, spread: float = 20.0) -> np.ndarray:
    """What makes an item hard is shared; each has noise of its own; the last one is `worse` by so many dollars."""
    random = np.random.default_rng([seed, k, n])
    off = random.exponential(40, (n, 1)) + random.normal(60, spread, (n, k))
    off[:, -1] += worse
    return off


def alone(n: int = N) -> np.ndarray:
    return np.arange(n)


@pytest.mark.parametrize("k", [2, 5])
def test_equal_techniques_are_called_worse_at_any_time_in_few_races(k):
    races = 300
    wrong = sum(race.settled(errors(seed, k), alone(), a_rule()).any() for seed in range(races))
    assert wrong <= 0.05 * races + 2 * np.sqrt(0.05 * 0.95 * races)


@pytest.mark.slow
def test_the_interval_holds_the_truth_at_all_times_and_narrows():
    misses, widths = 0, []
    for seed in range(100):
        sample = errors(seed, 2, worse=10.0)
        ends = [race.gaps(sample[:n], alone(n), 0, a_rule())[1] for n in (50, 100, N)]
        misses += any(not low <= 10 <= high for _, low, high in ends)
        widths.append([high - low for _, low, high in ends])
    assert misses <= 5 + 2 * np.sqrt(5)
    assert (np.diff(np.mean(widths, axis=0)) < 0).all()


def test_one_that_is_worse_leaves_soon_and_the_better_one_stays():
    sample = errors(0, 3, worse=30.0)
    now = race.standing(sample[:120], alone(120), [0, 1, 2], [], a_rule())
    assert [(left.place, left.why) for left in now.exits] == [(2, "worse")]
    assert now.exits[0].rival == now.leader
    nothing = race.standing(sample[:10], alone(10), [0, 1, 2], [], a_rule())
    assert not nothing.exits


def test_one_that_can_not_be_better_by_the_margin_leaves_though_it_is_not_worse():
    sample = errors(1, 2, 400, spread=2.0)
    far = race.standing(sample, alone(400), [0, 1], [], a_rule(groups=400, margin=5.0))
    assert [left.why for left in far.exits] == ["close"]
    assert far.exits[0].place != far.leader
    assert not race.standing(sample, alone(400), [0, 1], [], a_rule(groups=400)).exits
    share = race.standing(sample, alone(400), [0, 1], [], a_rule(groups=400, margin=0.05, is_share=True))
    assert [left.why for left in share.exits] == ["close"]


def test_a_share_as_margin_holds_where_more_is_better_and_errors_are_losses():
    sample = errors(1, 2, 400, spread=2.0)
    near = a_rule(groups=400, margin=0.05, is_share=True)
    assert [left.why for left in race.standing(sample - 1_000, alone(400), [0, 1], [], near).exits] == ["close"]


def test_for_everyone_who_is_out_somebody_stays_that_is_as_good_but_for_the_margin():
    """0 left because of 1 (close); 1 may not leave for a 2 that 0 might beat by more than the margin."""
    worse = np.zeros((3, 3), dtype=bool)
    close = np.eye(3, dtype=bool)
    close[0, 1] = close[1, 2] = True
    figures = np.array([60.0, 59.0, 58.0])
    assert not list(race._exits(worse, close, figures, [1, 2], [0], [1, 2]))
    close[0, 2] = True
    assert [left.place for left in race._exits(worse, close, figures, [1, 2], [0], [1, 2])] == [1]


def test_copies_of_a_product_count_once():
    sample = errors(2, 2, 40, worse=15.0)
    once = race.gaps(sample, alone(40), 0, a_rule(groups=40, bound=400.0))
    thrice = race.gaps(np.repeat(sample, 3, axis=0), np.repeat(alone(40), 3), 0, a_rule(groups=40, bound=1200.0))
    assert thrice == pytest.approx(once, rel=1e-3, abs=1e-3)


def test_a_wild_error_counts_for_no_more_than_the_bound():
    sample = errors(3, 2)
    wild = sample.copy()
    wild[7, 1] = 1e6
    low, high = race.gaps(wild, alone(), 0, a_rule())[1, 1:]
    assert low < 0 < high
    assert not race.standing(wild, alone(), [0, 1], [], a_rule()).exits


def test_nobody_leaves_for_one_that_answers_too_little():
    sample = errors(4, 2, worse=40.0)
    sample[::2, 0] = np.nan
    now = race.standing(sample, alone(), [0, 1], [], a_rule())
    assert now.leader == 1
    assert not now.exits


def test_what_nobody_answered_leaves_everything_open():
    sample = np.full((30, 2), np.nan)
    now = race.standing(sample, alone(30), [0, 1], [], a_rule())
    assert not now.exits
    assert np.isnan(race.gaps(sample, alone(30), now.leader, a_rule())[1]).all()


def skewed(seed: int, n: int = N, spread: float = 0.7) -> np.ndarray:
    return np.random.default_rng([seed, 99]).lognormal(0, spread, n)


def weighted_rule(weights: np.ndarray, **changes) -> Rule:
    shares = weights / weights.max()
    return a_rule(groups=len(weights), heaviest=weights.max(), typical=(shares**2).mean(), **changes)


@pytest.mark.parametrize("k", [2, 5])
def test_equals_by_the_weighted_mean_are_told_apart_in_few_races_though_rows_alike_would(k):
    """The last one is $30 better on heavy rows, and worse on the others by what makes up for that."""
    races, wrong, unweighted = 150, 0, 0
    heavy = np.concatenate([skewed(seed) for seed in range(races)]) > 1.5
    every = np.concatenate([skewed(seed) for seed in range(races)])
    makes_up = 30 * every[heavy].sum() / every[~heavy].sum()
    for seed in range(races):
        weights, sample = skewed(seed), errors(seed, k)
        sample[:, -1] += np.where(weights > 1.5, -30, makes_up)
        wrong += int(race.settled(sample, alone(), weighted_rule(weights), weights).any())
        unweighted += int(race.settled(sample, alone(), a_rule()).any())
    assert wrong <= 0.05 * races + 2 * np.sqrt(0.05 * 0.95 * races)
    assert unweighted > 0.3 * races


def test_weights_alike_change_nothing():
    sample = errors(0, 3, worse=8.0)
    sample[::7, 1] = np.nan
    weights = np.full(N, 2.5)
    plain, same = (race.gaps(sample, alone(), 0, a_rule(), *more) for more in ((), (weights / 2.5,)))
    assert same == pytest.approx(plain)
    assert race.gaps(sample, alone(), 0, weighted_rule(weights), weights) == pytest.approx(plain)
    one, other = (race.standing(sample, alone(), [0, 1, 2], [], a_rule(), *more) for more in ((), (np.ones(N),)))
    assert one.exits == other.exits
    assert one.figures == pytest.approx(other.figures)


def test_figures_and_gaps_are_weighted_means_and_the_interval_holds_them():
    sample, weights = errors(5, 2, worse=10.0), skewed(5)
    now = race.standing(sample, alone(), [0, 1], [], weighted_rule(weights), weights)
    assert now.figures == pytest.approx(np.average(sample, axis=0, weights=weights))
    gap, low, high = race.gaps(sample, alone(), 0, weighted_rule(weights), weights)[1]
    assert gap == pytest.approx(np.average(sample[:, 1] - sample[:, 0], weights=weights))
    assert low < gap < high


def test_one_that_is_worse_on_what_weighs_most_leaves():
    weights = np.where(np.arange(400) % 4 == 0, 9.0, 1.0)
    sample = errors(6, 2, 400)
    sample[:, 1] += np.where(weights > 1, 60.0, -15.0)
    now = race.standing(sample, alone(400), [0, 1], [], weighted_rule(weights), weights)
    assert [(left.place, left.why) for left in now.exits] == [(1, "worse")]
    low, _ = race.gaps(sample, alone(400), 0, weighted_rule(weights), weights)[1, 1:]
    assert low > 0 > race.gaps(sample, alone(400), 0, a_rule(groups=400))[1, 1]
