"""A price is read from text only where there is one, and from a distribution as the textbook says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from worker.llm.base import Spent
from worker.llm.price_reading import likeliest, parse_completion, parse_price, quantile, readings, statistics

DOLLARS = np.arange(1.0, 101)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("$40", 40.0),
        ("1. The price is $40", 40.0),
        ("The price is $40.", 40.0),
        ("about $1,299.00 or so", 1299.0),
        ("US$ 19.99", 19.99),
        ("40 dollars", 40.0),
        ("€5", 5.0),
        ("USD 5", 5.0),
        ("$40, so I say $40", 40.0),
        ("40", 40.0),
        (" 40.50\n", 40.5),
        ("Price: 40.", 40.0),
        ("price is 40", 40.0),
        ("A pack of 3 for $12", 12.0),
    ],
)
def test_a_named_price_is_read(text: str, price: float) -> None:
    assert parse_price(text) == price


@pytest.mark.parametrize(
    "text",
    ["", "no idea", "$", "$0", "0", "$0.00", "-$5", "$-5", "-5", "$40 or $50", "40 to 50", "$40-$50", "It is 40 inches",
     "1. First", "$40k", "$40%", "$1.2.3", "$12,34", "$1e5", "nan", "inf", "$1234567890123", "USB 3", "12/3"],
)  # fmt: skip
def test_what_is_no_price_is_none_never_zero(text: str) -> None:
    assert parse_price(text) is None


@pytest.mark.parametrize(
    ("text", "price"),
    [("49.99\n\nThe product", 49.99), ("12.99.\n", 12.99), (" 7", 7.0), ("1,299", 1299.0), ("100.00 for", 100.0),
     ("40 per 3", 40.0), ("", None), ("\n12", None), ("0.00", None), ("not known", None), ("XX.99", None)],
)  # fmt: skip
def test_a_completion_is_read_up_to_the_end_of_its_line(text: str, price: float | None) -> None:
    assert parse_completion(text) == price


@given(st.text())
def test_any_text_gives_a_positive_price_or_none(text: str) -> None:
    for price in (parse_price(text), parse_completion(text)):
        assert price is None or (math.isfinite(price) and price > 0)


@given(st.integers(1, 99_999_999))
def test_a_price_is_read_back_from_its_usual_spelling(cents: int) -> None:
    assert parse_price(f"It costs ${cents / 100:,.2f}.") == cents / 100


def test_statistics_of_a_known_distribution() -> None:
    one = np.zeros((1, 100))
    one[0, [9, 19, 79]] = [0.5, 0.3, 0.2]  # $10, $20, $80
    assert statistics(one, "median", DOLLARS) == 10
    assert statistics(one, "mean", DOLLARS) == pytest.approx(27)
    assert statistics(one, "log-mean", DOLLARS) == pytest.approx(10**0.5 * 20**0.3 * 80**0.2)
    assert statistics(one, "mode", DOLLARS) == 10
    assert quantile(one, 0.8, DOLLARS) == 20
    assert quantile(one, 0.81, DOLLARS) == 80


def test_no_mass_is_no_price() -> None:
    assert np.isnan(statistics(np.zeros((1, 9)), "median", DOLLARS[:9])).all()
    assert np.isnan(quantile(np.zeros((1, 9)), 0.5, DOLLARS[:9])).all()


@given(hnp.arrays(np.float64, (3, 50), elements=st.floats(0, 1)).filter(lambda a: (a.sum(1) > 0.01).all()))
def test_quantiles_are_ordered_and_statistics_stay_in_range(weights: np.ndarray) -> None:
    distribution = weights / weights.sum(1, keepdims=True)
    low, middle, high = (quantile(distribution, q, DOLLARS[:50]) for q in (0.05, 0.5, 0.95))
    assert (low <= middle).all()
    assert (middle <= high).all()
    for name in ("median", "mean", "log-mean", "mode"):
        value = statistics(distribution, name, DOLLARS[:50])  # type: ignore[arg-type]
        assert (value >= 1 - 1e-9).all()
        assert (value <= 50 + 1e-9).all()


@pytest.mark.slow
@given(hnp.arrays(np.float64, 30, elements=st.floats(0, 1)).filter(lambda a: a.sum() > 0.01))
def test_the_median_has_the_least_expected_absolute_error(weights: np.ndarray) -> None:
    distribution = weights / weights.sum()
    prices = np.arange(1, 31)
    median = quantile(distribution[None], 0.5, DOLLARS[:30])[0]
    expected = [distribution @ np.abs(prices - guess) for guess in (*prices, median)]
    assert expected[-1] <= min(expected) + 1e-9


def test_the_likeliest_prices_come_first() -> None:
    row = np.zeros(100)
    row[[9, 19, 79]] = [0.3, 0.5, 0.2]
    assert list(likeliest(row, DOLLARS).items()) == [("20", 0.5), ("10", 0.3), ("80", 0.2)]
    assert likeliest(row, DOLLARS, 1) == {"20": 0.5}


def test_a_reading_of_a_distribution_has_all_statistics_and_one_without_mass_has_none() -> None:
    rows = np.zeros((2, 100))
    rows[0, [9, 19, 79]] = [0.5, 0.3, 0.2]
    known, empty = readings(rows, DOLLARS, [Spent(tokens_out=3), Spent()])
    assert known.statistics["median"] == known.statistics["mode"] == 10
    assert known.statistics["mean"] == pytest.approx(27)
    assert known.quantiles == (10, 10, 10, 20, 80)
    assert known.spent.tokens_out == 3
    assert (empty.price, dict(empty.statistics), empty.quantiles) == (None, {}, ())
