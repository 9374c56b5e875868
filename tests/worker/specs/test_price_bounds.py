"""The bounds of what a language model may say follow from the prices it learns from, as far as it can go."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import amounts
from worker.amounts import currencies
from worker.specs import ZeroShotSpec, describe
from worker.specs.price_bounds import BANDS, MOST, USUAL, Bounds, Outside, covering, places_for, resolved


@pytest.fixture(autouse=True)
def _in_dollars():
    with amounts.written_in(amounts.DOLLARS):
        yield


PRICES = st.lists(
    st.one_of(st.floats(1e-9, 1e8), st.floats(0.5, 2_000), st.integers(1, 200_000).map(float)), min_size=1, max_size=50
)


def of(prices: list[float]) -> Bounds:
    return covering(min(prices), max(prices))


def held(bounds: Bounds, prices: list[float]) -> list[bool]:
    return pl.select(bounds.hold(pl.lit(pl.Series(prices, dtype=pl.Float64)))).to_series().to_list()


@given(PRICES)
def test_every_price_that_the_engine_can_say_lies_within_and_no_bound_lies_further(prices):
    found = of(prices)
    assert 1 <= found.lowest < found.highest <= MOST
    assert held(found, prices) == [1 <= price < MOST + 1 for price in prices]
    assert found.lowest in {band.lowest for band in BANDS}
    assert found.highest in {band.highest for band in BANDS}


@given(PRICES, PRICES)
def test_more_rows_never_take_away_what_could_be_said(prices, more):
    few, all_ = of(prices), of(prices + more)
    assert all_.lowest <= few.lowest
    assert few.highest <= all_.highest


@given(st.lists(st.floats(0.01, 999.99), min_size=1))
def test_a_table_of_three_digits_has_the_bounds_that_all_tables_had(prices):
    assert of(prices) == USUAL == Bounds(1, 999)


@pytest.mark.parametrize(
    ("prices", "bounds"),
    [
        ([0.55, 999.0], (1, 999)),
        ([4.0, 1_050.0], (1, 9_999)),
        ([52_000.0, 98_000.0], (10_000, 99_999)),
        ([1_200.0, 98_000.0], (1_000, 99_999)),
        ([0.004, 0.009], (1, 999)),
        ([1_200_000.0, 9_000_000.0], (1_000_000, 9_999_999)),
        ([8_000.0, 350_000.0], (1_000, 999_999)),
        ([2e9, 3e9], (100_000_000, MOST)),
    ],
)
def test_bounds_are_the_bands_of_digits_that_prices_lie_in(prices, bounds):
    assert of(prices) == Bounds(*bounds)


def test_where_nothing_is_learned_from_wide_bounds_hold():
    assert str(covering(None, None)) == "$0.01 to $999,999"


@given(PRICES, st.sampled_from([0, 2, 3, 4, 6]))
def test_bounds_that_the_table_decided_are_not_told(prices, places):
    bounds = covering(min(prices), max(prices), places)
    assert bounds.is_as_learned
    assert describe(ZeroShotSpec(min_price=bounds.lowest, max_price=bounds.highest)) == ZeroShotSpec.label


def test_bounds_that_a_person_set_are_told_in_the_currency_of_the_table():
    spec = ZeroShotSpec(min_price=20, max_price=400)
    assert describe(spec) == "Prompt, no examples ($20 to $400)"
    with amounts.written_in(amounts.Money(currencies.of("EUR"), 2)):
        assert describe(spec) == "Prompt, no examples (€20 to €400)"
        assert Bounds(1, 999).step == "whole numbers"
        assert "$" not in Bounds(0.01, 9_999.99).step


CENTS = st.integers(1, 100_000_000).map(lambda cents: cents / 100)


@given(st.lists(CENTS, min_size=1, max_size=30), st.sampled_from([0, 2, 3, 4]))
def test_every_price_within_the_bounds_is_near_one_that_can_be_said(prices, places):
    bounds = covering(min(prices), max(prices), places)
    grid = set(bounds.grid().tolist())
    for price in prices:
        said = bounds.nearest(price)
        assert said in grid
        assert bounds.holds(said)
        assert float(bounds.spell(said)) == said
        if bounds.holds(price):
            step = 0.0051 if places and price < 100 else 0.501
            assert abs(said - price) <= max(step, 0.00501 * price if bounds.is_rounded else 0, 1 - price) + 1e-9


@pytest.mark.parametrize(
    ("bounds", "prices", "said"),
    [
        (Bounds(0.01, 9.99), (0.349, 4.99, 12.0), ("0.35", "4.99", "9.99")),
        (Bounds(1, 999), (0.35, 4.5, 1e6), ("1", "4", "999")),
        (Bounds(1, 99_999), (12_345.6,), ("12346",)),
        (Bounds(1_000, 999_999), (8_123, 349_999, 999_999), ("8120", "350000", "999000")),
        (Bounds(0.01, 999.99), (99.994, 99.996, 450.3), ("99.99", "100", "450")),
        (Bounds(0.0001, 9.99), (0.00349, 0.5, 3.456), ("0.0035", "0.5000", "3.46")),
    ],
)
def test_prices_are_said_in_the_steps_of_their_size(bounds, prices, said):
    assert tuple(bounds.spell(bounds.nearest(price)) for price in prices) == said


@pytest.mark.parametrize(
    ("middle", "are_whole", "places"),
    [(1.99, False, 2), (19.99, False, 2), (20.0, False, 0), (3.0, True, 0), (150.0, False, 0), (0.004, False, 4)],
)
def test_cents_are_said_where_a_dollar_is_much_of_the_price(middle, are_whole, places):
    assert places_for(middle, are_whole=are_whole) == places


@pytest.mark.parametrize("field", ["min_price", "max_price"])
def test_a_whole_bound_has_one_spelling_and_another_step_another_hash(field):
    assert ZeroShotSpec(**{field: 99}).hash == ZeroShotSpec(**{field: 99.0}).hash
    assert ZeroShotSpec(**{field: 99.99}).hash != ZeroShotSpec(**{field: 99}).hash


@given(st.integers(1, MOST), st.integers(1, MOST))
def test_a_bound_that_is_given_wins_and_each_alone_leaves_the_other_to_the_rows(low, high):
    train = Bounds(10_000, MOST)
    assert resolved(low, high, train) == Bounds(low, high)
    assert resolved(low, 0, train) == Bounds(low, MOST)
    assert resolved(0, high, train) == Bounds(10_000, high)
    assert resolved(0, 0, train) == train


@pytest.mark.parametrize(
    ("outside", "said"),
    [(0, ""), (10, ""), (11, "1.1 %"), (120, "12 %"), (999, "99.9 %"), (1000, "100 %")],
)
def test_more_than_one_row_in_a_hundred_outside_is_told_with_the_share(outside, said):
    sentence = Outside(USUAL, 1000, outside).sentence()
    if not said:
        assert sentence == ""
        return
    assert f"from $1 to $999 here, and {said} of the rows with a price lie outside" in sentence


@given(st.integers(1, 10**7), st.data())
def test_all_is_said_only_of_all(rows, data):
    outside = data.draw(st.integers(0, rows))
    assert ("100 %" in Outside(USUAL, rows, outside).sentence()) == (outside == rows)


def test_more_than_one_row_in_five_outside_is_refused():
    assert Outside(USUAL, 100, 20).refusal("things") == ""
    assert "21 % of the rows of things" in Outside(USUAL, 100, 21).refusal("things")


def test_a_table_without_a_price_has_nothing_outside():
    assert Outside(USUAL, 0, 0).sentence() == Outside(USUAL, 0, 0).refusal("things") == ""
