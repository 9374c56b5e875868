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
    line = learn({"median": guess}, truth, recalibrate=True)
    mended, _, _ = line.apply(others, others / 2, others * 2)
    assert np.abs(mended - other).mean() < 0.8 * np.abs(others - other).mean()


def test_a_few_wild_rows_do_not_turn_the_line() -> None:
    truth, guess = rows(100)
    calm = learn({"median": guess}, truth, recalibrate=True)
    wild = truth.copy()
    wild[:5] *= 1_000
    moved = learn({"median": guess}, wild, recalibrate=True)
    assert moved.slope == pytest.approx(calm.slope, abs=0.15)
    assert moved.intercept == pytest.approx(calm.intercept, abs=0.6)


def test_the_statistic_with_the_least_error_wins_and_ties_go_to_the_first() -> None:
    truth, _ = rows(50)
    chosen = learn({"median": truth * 2, "mean": truth * 1.1, "mode": truth * 1.1}, truth, recalibrate=False)
    assert (chosen.statistic, chosen.slope) == ("mean", 1.0)


@pytest.mark.parametrize("known", [0, FEWEST - 1])
def test_too_few_answers_change_nothing(known: int) -> None:
    truth, guess = rows(60)
    guess[known:] = np.nan
    line = learn({"median": guess, "mean": guess}, truth, recalibrate=True)
    assert line == Correction("median")


def test_a_correction_survives_being_stored() -> None:
    line = Correction("mean", 0.5, 0.75, 40)
    assert Correction.from_json(line.to_json()) == line


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0.01, 1e5), st.floats(0.01, 1e5)), min_size=20, max_size=60), st.booleans())
def test_whatever_the_rows_dearer_guesses_stay_dearer_and_inside_their_interval(
    pairs: list[tuple[float, float]], same: bool
) -> None:
    guess, truth = np.array(pairs).T
    guess = np.full_like(guess, 20.0) if same else guess
    line = learn({"median": guess}, truth, recalibrate=True)
    assert SLOPES[0] <= line.slope <= SLOPES[1]
    asked = np.array([1.0, 10.0, 100.0])
    price, low, high = line.apply(asked, asked * 0.9, asked * 1.2)
    assert (np.diff(price) > 0).all()
    assert (low <= price).all()
    assert (price <= high).all()
