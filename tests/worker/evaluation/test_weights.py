"""Weighted comparisons: a weight of 3 is three rows alike, and skewed weights name no more false losers."""

from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.evaluation import choice, compare, frontier_odds, metrics, pairs, resampling, slices, verdict_check, without
from worker.evaluation.choice import Limits
from worker.evaluation.measures import DECIDING, MEASURES


def predictions(n: int = 60, jobs: int = 3, seed: int = 0, unanswered: float = 0.0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    truth = np.round(random.lognormal(3, 1, n), 2)
    frames = []
    for job in range(1, jobs + 1):
        price = truth * np.exp(random.normal(0, 0.2 * job, n))
        answered = random.random(n) >= unanswered
        frames.append(
            pl.DataFrame(
                {
                    "job_id": [job] * n,
                    "row": np.arange(n),
                    "group_id": np.arange(n),
                    "truth": truth,
                    "price": np.where(answered, price, np.nan),
                    "status": np.where(answered, "ok", "unparsed"),
                    "usd": random.gamma(2, 0.001 * job, n),
                    "saved_usd": [0.0] * n,
                    "seconds": random.gamma(2, 0.1, n),
                    "tokens_in": [10] * n,
                    "tokens_out": [2] * n,
                    "category": np.where(np.arange(n) % 2, "a", "b"),
                }
            )
        )
    return pl.concat(frames).with_columns(pl.col("price").fill_nan(None))


def weighted(frame: pl.DataFrame, weights: np.ndarray) -> pl.DataFrame:
    return frame.with_columns(weight=pl.Series(np.asarray(weights, dtype=float)).gather(frame["row"]))


def repeated(frame: pl.DataFrame, weights: np.ndarray) -> pl.DataFrame:
    """Each row so often as it weighs, its copies in one group."""
    copies = frame[np.repeat(np.arange(len(frame)), np.asarray(weights)[frame["row"].to_numpy()])]
    return copies.with_columns(row=pl.int_range(pl.len()).over("job_id"))


@pytest.mark.slow
@given(seed=st.integers(0, 200), most=st.integers(1, 6), unanswered=st.sampled_from([0.0, 0.2]))
def test_a_whole_weight_is_as_many_rows_alike_for_every_measure(seed: int, most: int, unanswered: float) -> None:
    weights = np.random.default_rng(seed).integers(1, most + 1, 60)
    frame = predictions(seed=seed, unanswered=unanswered)
    one, other = metrics.errors(weighted(frame, weights)), metrics.errors(repeated(frame, weights))
    for job in (1, 2, 3):
        found = one.filter(pl.col("job_id") == job).select(metrics.aggregates(one)).row(0, named=True)
        known = other.filter(pl.col("job_id") == job).select(metrics.aggregates(other)).row(0, named=True)
        for key in MEASURES:
            assert found[key] == pytest.approx(known[key]), key


@pytest.mark.parametrize("by", list(DECIDING))
def test_a_comparison_differs_by_the_weights_and_its_intervals_hold_the_weighted_figures(by: str) -> None:
    weights = np.random.default_rng(1).integers(1, 5, 60)
    table = compare.table(weighted(predictions(), weights), by=by)
    known = compare.table(repeated(predictions(), weights), by=by)
    assert table["job_id"].to_list() == known["job_id"].to_list()
    for job in range(3):
        one, other = table.row(job, named=True), known.row(job, named=True)
        assert one[by] == pytest.approx(other[by])
        assert one["diff"] == pytest.approx(other["diff"])
        assert one[f"{by}_low"] <= one[by] <= one[f"{by}_high"]
        # Copies stand in one group, so both are resampled alike.
        assert one[f"{by}_low"] == pytest.approx(other[f"{by}_low"], rel=1e-6, abs=1e-6)
    assert table["n"].to_list() == [60] * 3


def test_equal_weights_change_nothing() -> None:
    frame = predictions(unanswered=0.1)
    plain, same = compare.table(frame), compare.table(weighted(frame, np.full(60, 2.5)))
    assert plain["verdict"].to_list() == same["verdict"].to_list()
    for name in (name for name, kind in plain.schema.items() if kind == pl.Float64):
        assert plain[name].to_list() == pytest.approx(same[name].to_list()), name


def test_costs_and_times_are_not_weighted() -> None:
    frame = predictions()
    plain, tilted = (compare.table(each).sort("job_id") for each in (frame, weighted(frame, np.arange(60) + 1)))
    for name in ("usd_per_1000", "p50_ms", "parse_rate", "tokens_in"):
        assert plain[name].to_list() == tilted[name].to_list()
    assert plain["mae"].to_list() != tilted["mae"].to_list()


def test_a_sample_tilted_to_dear_items_speaks_for_the_catalogue_with_weights() -> None:
    """Half of the catalogue costs $10 and is guessed $2 off, half $1,000 and $300 off; the sample has three dear items
    for a cheap one."""
    random = np.random.default_rng(2)
    truth = random.choice([10.0, 1000.0], 4_000, p=[0.25, 0.75])
    frame = predictions(4_000, 1).with_columns(truth=pl.Series(truth))
    frame = frame.with_columns(price=pl.col("truth") + pl.when(pl.col("truth") > 10).then(300.0).otherwise(2.0))
    table = compare.table(weighted(frame, np.where(truth == 10.0, 3.0, 1.0)))
    assert table["mae"][0] == pytest.approx(151.0, rel=0.03)
    assert table["mae_low"][0] < 151.0 < table["mae_high"][0]
    assert compare.table(frame)["mae"][0] == pytest.approx(225.5, rel=0.03)


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(1e-3, 1e3)), min_size=1, max_size=40))
def test_a_weighted_median_has_half_of_the_weight_on_either_side(rows: list[tuple[float, float]]) -> None:
    values, weights = np.array(rows).T
    [[found]] = resampling.medians(values[:, None], resampling.alone(len(values)), weights)(np.ones((1, len(values))))
    half = weights.sum() / 2 * (1 + 1e-9)
    assert weights[values < found].sum() <= half
    assert weights[values > found].sum() <= half


def test_a_median_far_from_the_middle_of_the_rows_is_found() -> None:
    values = np.arange(10_000.0)
    weights = np.where(values >= 9_990, 1e6, 1.0)
    [[found]] = resampling.medians(values[:, None], resampling.alone(10_000), weights)(np.ones((1, 10_000)))
    assert found == pytest.approx(9_994.5, abs=0.6)


def test_few_heavy_rows_are_too_few_rows() -> None:
    weights = np.full(200, 1e-6)
    weights[:5] = 1.0
    assert resampling.independent(resampling.alone(200), weights) == 5
    assert resampling.independent(resampling.alone(200), np.full(200, 7.0)) == 200
    assert set(compare.table(weighted(predictions(200), weights))["verdict"]) == {"too few rows"}


def test_slices_choices_and_odds_are_weighted_too() -> None:
    weights = np.random.default_rng(4).integers(1, 6, 200)
    frame = weighted(predictions(200, 2), weights)
    whole = compare.table(frame)
    parts = slices.by_category(frame)
    for job in (1, 2):
        of_parts = parts.filter(pl.col("job_id") == job).sort("slice")["mae"].to_list()
        mean = np.average(of_parts, weights=[weights[1::2].sum(), weights[::2].sum()])
        assert whole.filter(pl.col("job_id") == job)["mae"][0] == pytest.approx(mean)
    apart = partial(choice.gaps, frame, by="mae", level=compare.level_of(whole))
    (found,) = choice.choices(whole, apart, Limits(usd_per_1000=1e9), by="mae")
    assert found.job_id == whole["job_id"][0]
    assert frontier_odds.odds(frame)["frontier_odds"].null_count() == 0
    gaps = compare.every_pair(frame)
    assert gaps.filter(pl.col("first") == 2)["diff"][0] == pytest.approx(whole["mae"][1] - whole["mae"][0])


def skewed(random: np.random.Generator, n: int) -> np.ndarray:
    """A tenth of the rows weighs ten times as much as the rest, and all differ."""
    return np.where(random.random(n) < 0.1, 10.0, 1.0) * random.gamma(2.0, 0.5, n)


@pytest.mark.slow
def test_equal_techniques_are_hardly_ever_told_apart_under_skewed_weights() -> None:
    rounds, false = 300, 0
    for seed in range(rounds):
        random = np.random.default_rng([7, seed])
        errors = random.gamma(1.0, 20.0, (150, 1)) * random.gamma(2.0, 0.5, (150, 6))
        sample = pairs.Sample(errors, resampling.alone(150), weights=skewed(random, 150))
        (found,) = pairs.differences([sample], resampling.means, 400, seed)
        ends = [found.of(i, j)[1:] for i in range(6) for j in range(i)]
        false += any(low > 0 or high < 0 for low, high in ends)
    assert false / rounds <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / rounds)


@pytest.mark.slow
def test_the_check_of_a_verdict_simulates_with_the_weights() -> None:
    frame = weighted(predictions(150, 6, seed=3), skewed(np.random.default_rng(8), 150))
    sample = verdict_check.sample(frame, "mae", 150, 0)
    assert sample.weights is not None
    false = sum(verdict_check.false_losers(sample, "mae", 0.95, 100, 0))
    assert false <= 5 + 2 * np.sqrt(100 * 0.05 * 0.95)
    found = sum(verdict_check.found_losers(sample, 3.0, "mae", 0.95, 20, 0))
    assert found >= 8, "found far more often than one that is no loser"


def test_figures_without_some_rows_are_those_of_as_many_rows_alike() -> None:
    weights = np.random.default_rng(3).integers(1, 5, 60)
    frame, out = predictions(), [1, 2, 3, 50]
    copies = repeated(frame, weights)
    suspects = copies.filter(pl.col("group_id").is_in(out))["row"].unique().to_list()
    one, other = without.table(weighted(frame, weights), out), without.table(copies, suspects)
    for key in MEASURES:
        for name in (key, f"{key}_without"):
            assert one[name].to_list() == pytest.approx(other[name].to_list()), name
    assert one["change"].to_list() == pytest.approx(other["change"].to_list())
    # The spread is that of the same groups; how far an interval reaches, of as many as such weights leave.
    assert all(low < change < high for low, change, high in one.select("change_low", "change", "change_high").rows())
    assert one["n_without"].to_list() == [56] * 3


def test_with_weights_that_leave_few_rows_no_change_has_an_interval() -> None:
    weights = np.where(np.arange(60) < 5, 1e4, 1.0)
    assert without.table(weighted(predictions(), weights), [40])["change_low"].null_count() == 3
