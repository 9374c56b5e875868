"""A correction mends what is wrong in a way that lasts, and leaves alone what it can't judge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.evaluation.recalibration import FEWEST, SLOPES, Correction, learn

RANDOM = np.random.default_rng(4)


def rows(n: int, noise: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth and a guess that is too high by half and too flat."""
    random = np.random.default_rng(seed)
    truth = np.exp(random.normal(3.5, 1, n))
    return truth, 1.5 * np.exp(3.5 + 0.8 * (np.log(truth) - 3.5) + random.normal(0, noise, n))


def test_a_crooked_model_is_put_straight_on_rows_it_was_not_judged_by() -> None:
    (truth, guess), (other, others) = rows(200), rows(500, seed=1)
    line = learn({"median": guess}, guess / 2, guess * 2, truth, recalibrate=True)
    mended, _, _ = line.apply(others, others / 2, others * 2)
    assert np.abs(mended - other).mean() < 0.8 * np.abs(others - other).mean()


def test_a_few_wild_rows_do_not_turn_the_line() -> None:
    truth, guess = rows(100)
    calm = learn({"median": guess}, guess / 2, guess * 2, truth, recalibrate=True)
    wild = truth.copy()
    wild[:5] *= 1_000
    moved = learn({"median": guess}, guess / 2, guess * 2, wild, recalibrate=True)
    assert moved.slope == pytest.approx(calm.slope, abs=0.15)
    assert moved.intercept == pytest.approx(calm.intercept, abs=0.6)


@pytest.mark.parametrize("width", [1.05, 2.0, 20.0])
def test_stretched_intervals_cover_nine_in_ten_new_rows(width: float) -> None:
    shares = []
    for seed in range(30):
        (truth, guess), (other, others) = rows(200, seed=seed), rows(400, seed=seed + 100)
        line = learn({"median": guess}, guess / width, guess * width, truth, recalibrate=True)
        _, low, high = line.apply(others, others / width, others * width)
        shares.append(((low <= other) & (other <= high)).mean())
    assert 0.87 < np.mean(shares) < 0.94


def test_without_a_raw_interval_there_is_one_around_the_price() -> None:
    truth, guess = rows(200)
    none = np.full(len(guess), np.nan)
    line = learn({"median": guess}, none, none, truth, recalibrate=True)
    price, low, high = line.apply(guess, none, none)
    assert 0.85 < ((low <= truth) & (truth <= high)).mean() < 0.95
    assert (low < price).all()


def test_the_statistic_with_the_least_error_wins_and_ties_go_to_the_first() -> None:
    truth, _ = rows(50)
    none = np.full(50, np.nan)
    chosen = learn(
        {"median": truth * 2, "mean": truth * 1.1, "mode": truth * 1.1}, none, none, truth, recalibrate=False
    )
    assert (chosen.statistic, chosen.slope, chosen.stretch) == ("mean", 1.0, None)


@pytest.mark.parametrize("known", [0, FEWEST - 1])
def test_too_few_answers_change_nothing(known: int) -> None:
    truth, guess = rows(60)
    guess[known:] = np.nan
    line = learn({"median": guess, "mean": guess}, guess, guess, truth, recalibrate=True)
    assert line == Correction("median")


def test_a_correction_survives_being_stored() -> None:
    line = Correction("mean", 0.5, 0.75, 1.25, 40)
    assert Correction.from_json(line.to_json()) == line


@given(st.lists(st.tuples(st.floats(0.01, 1e5), st.floats(0.01, 1e5)), min_size=20, max_size=60), st.booleans())
def test_whatever_the_rows_dearer_guesses_stay_dearer_and_inside_their_interval(
    pairs: list[tuple[float, float]], same: bool
) -> None:
    guess, truth = np.array(pairs).T
    guess = np.full_like(guess, 20.0) if same else guess
    line = learn({"median": guess}, guess * 0.9, guess * 1.2, truth, recalibrate=True)
    assert SLOPES[0] <= line.slope <= SLOPES[1]
    asked = np.array([1.0, 10.0, 100.0])
    price, low, high = line.apply(asked, asked * 0.9, asked * 1.2)
    assert (np.diff(price) > 0).all()
    assert (low <= price).all()
    assert (price <= high).all()
