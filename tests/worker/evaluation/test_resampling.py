"""The resampled means and medians equal the plain ones of the drawn items."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.evaluation import resampling

_values = st.lists(st.floats(0, 1e6) | st.just(float("nan")), min_size=1, max_size=40)


@settings(deadline=None)
@given(_values, st.integers(0, 1000))
def test_weighted_figures_equal_those_of_the_repeated_items(values: list[float], seed: int) -> None:
    line = np.array(values)
    block = next(resampling.weights(resampling.alone(len(line)), 8, seed))
    means = resampling.means(line[:, None])(block)[:, 0]
    medians = resampling.medians(line[:, None], resampling.alone(len(line)))(block)[:, 0]
    for counts, mean, median in zip(block, means, medians, strict=True):
        drawn = np.repeat(line, counts.astype(int))
        drawn = drawn[~np.isnan(drawn)]
        if len(drawn):
            assert mean == pytest.approx(drawn.mean())
            assert median == pytest.approx(np.median(drawn))
        else:
            assert np.isnan(mean)
            assert np.isnan(median)


def test_the_band_around_the_middle_is_wide_enough_for_many_items() -> None:
    values = np.random.default_rng(1).lognormal(0, 2, 20_001)
    values[::7] = np.nan
    block = next(resampling.weights(resampling.alone(len(values)), 50, 3))
    found = resampling.medians(values[:, None], resampling.alone(len(values)))(block)[:, 0]
    for counts, median in zip(block, found, strict=True):
        assert median == pytest.approx(np.nanmedian(np.repeat(values, counts.astype(int))))


def test_resamples_have_as_many_items_as_the_sample_and_depend_on_the_seed_only() -> None:
    first = np.concatenate(list(resampling.weights(resampling.alone(500), 30, 7)))
    assert first.shape == (30, 500)
    assert (first.sum(axis=1) == 500).all()
    assert (first == np.concatenate(list(resampling.weights(resampling.alone(500), 30, 7)))).all()
    assert (first != np.concatenate(list(resampling.weights(resampling.alone(500), 30, 8)))).any()


def test_fewer_resamples_only_where_there_are_very_many_items() -> None:
    assert resampling.affordable(0, 2000) == 2000
    assert resampling.affordable(50_000, 2000) == 2000
    assert resampling.affordable(100_000, 2000) == 1000
    assert resampling.affordable(10_000_000, 2000) == 400
    assert resampling.affordable(10_000_000, 100) == 100


def test_nothing_to_measure_has_no_interval() -> None:
    assert resampling.interval(np.array([np.nan, np.nan]), 1.0) == (None, None)
    assert resampling.interval(np.array([1.0]), None) == (None, None)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 30)), min_size=1, max_size=80), st.integers(0, 1000))
def test_figures_of_groups_are_those_of_their_items_repeated(items: list[tuple[float, int]], seed: int) -> None:
    values = np.array([value for value, _ in items])
    groups = resampling.number([group for _, group in items])
    block = next(resampling.weights(groups, 6, seed))
    means = resampling.means(values[:, None], groups)(block)[:, 0]
    medians = resampling.medians(values[:, None], groups)(block)[:, 0]
    for counts, mean, median in zip(block, means, medians, strict=True):
        drawn = np.repeat(values, counts[groups].astype(int))
        if len(drawn):
            assert mean == pytest.approx(drawn.mean())
            assert median == pytest.approx(np.median(drawn))


def test_many_groups_are_pooled_into_equally_many_of_each_and_few_are_left_alone() -> None:
    few = np.arange(resampling.POOLED)
    assert resampling.pooled(few) is few
    many = np.repeat(np.arange(3 * resampling.POOLED), 2)  # pairs of near-duplicates
    pools = resampling.pooled(many)
    assert (np.bincount(pools) == 6).all()
    assert (pools[::2] == pools[1::2]).all()


def test_pooled_groups_say_how_far_a_mean_and_a_median_move() -> None:
    random = np.random.default_rng(4)
    values = random.exponential(1, 60_000)
    pools = resampling.pooled(resampling.alone(len(values)))
    block = np.concatenate(list(resampling.weights(pools, 2000, 1)))
    # Of an exponential both standard errors are 1 / sqrt(n).
    for figure in (resampling.means(values[:, None], pools), resampling.medians(values[:, None], pools)):
        assert figure(block).std() * np.sqrt(len(values)) == pytest.approx(1, rel=0.08)
