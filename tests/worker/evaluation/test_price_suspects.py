"""Planted price errors come first in the list, with what they were and why."""

import numpy as np
import polars as pl
import pytest

from worker.evaluation import planted_price_errors, price_suspects

N = 1_000


@pytest.fixture
def table():
    """Prices that two predictors guess well, items in 20 rooms of like ones."""
    random = np.random.default_rng(3)
    room = np.arange(N) % 20
    logs = 3 + 0.1 * room + random.normal(0, 0.15, N)
    prices = np.round(np.exp(logs), 0) - 0.01
    guesses = 3 + 0.1 * room[:, None] + random.normal(0, 0.05, (N, 2))
    near = np.stack([(np.arange(N) + 20 * step) % N for step in range(1, 11)], axis=1)
    return prices, guesses, near


def found(prices, guesses, near, titles=None):
    items = pl.DataFrame({"row": range(N), "title": titles or ["thing"] * N, "price": prices})
    return price_suspects.find(items, guesses, near)


@pytest.mark.parametrize("kind", planted_price_errors.KINDS)
def test_planted_errors_stand_in_the_first_percent(table, kind):
    prices, guesses, near = table
    if kind == "swapped":
        guesses, prices = guesses + 3 * (np.arange(N)[:, None] % 2), prices * np.exp(3 * (np.arange(N) % 2))
    spoiled, places = planted_price_errors.planted(prices, kind, 6, seed=0)
    suspects = found(spoiled, guesses, near)
    assert len(suspects) == 10
    assert set(places) <= set(suspects["row"])
    if kind != "other currency":
        line = suspects.filter(pl.col("row").is_in(places.tolist()))
        off = np.log(line["likely"].to_numpy() / prices[line["row"].to_numpy()])
        assert (np.abs(off) < 0.5).mean() >= 0.8


@pytest.mark.parametrize(("factor", "reason"), [(10, "decimal"), (0.1, "decimal"), (100, "cents"), (12, "pack")])
def test_the_reason_is_named_and_the_price_put_right(table, factor, reason):
    prices, guesses, near = table
    spoiled = prices.copy()
    spoiled[5] = round(prices[5] * factor, 2)
    titles = ["thing"] * N
    if reason == "pack":
        titles[5] = "thing, pack of 12"
    worst = found(spoiled, guesses, near, titles).row(0, named=True)
    assert (worst["row"], worst["reason"]) == (5, reason)
    assert worst["likely"] == pytest.approx(prices[5], rel=0.02)


def test_a_swapped_pair_names_each_other(table):
    prices, guesses, near = table
    spoiled = prices.copy()
    prices[4], guesses[4] = 1234.99, np.log(1234.99)
    spoiled[4], spoiled[5] = prices[5], 1234.99
    pair = found(spoiled, guesses, near).head(2).sort("row")
    assert pair["row"].to_list() == [4, 5]
    assert pair["other"].to_list() == [5, 4]
    assert set(pair["reason"]) == {"swapped"}


def test_predictors_that_disagree_on_the_direction_make_no_suspect(table):
    prices, guesses, near = table
    guesses[5] = np.log(prices[5]) + np.array([-3.0, 3.0])
    assert 5 not in found(prices, guesses, near)["row"]


def test_a_price_far_off_among_prices_that_vary_is_less_suspect(table):
    prices, guesses, near = table
    wild = prices.copy()
    around = near[5]
    wild[around] *= np.exp(np.random.default_rng(0).normal(0, 0.6, len(around)))
    wild[5] *= 4
    calm = prices.copy()
    calm[5] *= 4
    scores = [abs(price_suspects.scores(each, guesses, near)[0][5]) for each in (wild, calm)]
    assert scores[0] < scores[1]


def test_nothing_is_found_in_nothing():
    empty = pl.DataFrame(schema={"row": pl.Int64, "title": pl.String, "price": pl.Float64})
    assert price_suspects.find(empty, np.empty((0, 2)), np.empty((0, 1), dtype=np.int64)).is_empty()
