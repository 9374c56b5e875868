"""Cents and large prices are read from the digits that a model gives: each can be reached, and shares are right."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.llm.tiny import VOCABULARY, encode
from worker.llm.base import Spent
from worker.llm.local.price_scores import Walk
from worker.llm.local.price_trie import PriceTrie, price_trie
from worker.llm.price_reading import Floats, readings
from worker.specs.price_bounds import Bounds

pytestmark = pytest.mark.model

GROCERIES, SHELF, CARS, WIDE = Bounds(0.01, 9.99), Bounds(0.01, 99.99), Bounds(1_000, 999_999), Bounds(0.01, 999_999)
TRIES: dict[Bounds, PriceTrie] = {
    bounds: price_trie(encode, VOCABULARY, bounds) for bounds in (GROCERIES, SHELF, CARS, WIDE)
}


def read(bounds: Bounds, shares: dict[str, float]) -> Floats:
    """The distribution over the trie's prices where a model writes the texts with these shares and nothing else."""
    trie = TRIES[bounds]
    walk, texts = Walk(trie, 1), [""]  # the text at every place of the walk

    def after(text: str) -> Floats:
        """(S + 1,) shares of what follows a beginning."""
        going = {own: share for own, share in shares.items() if own.startswith(text)}
        total = sum(going.values())
        out = np.zeros(len(trie.more) + 1)
        for own, share in going.items():
            if len(own) == len(text):
                out[-1] += share
            else:
                out[trie.more.index(VOCABULARY[own[len(text)]])] += share
        return out / total if total else np.eye(len(out))[-1]

    def texts_of() -> list[str]:
        """A text that leads to each open node: the first of `shares` that does, else a made up one."""
        return [
            next((own[:depth] for own in shares if node_of(trie, own[:depth]) == node), "?") for node in walk.node[0]
        ]

    walk.step(np.zeros((1, 1), dtype=np.int64), after("")[None, None])
    depth = 1
    while (picked := walk.pick(1.0, 10_000)).shape[1]:
        texts = texts_of()
        walk.step(picked, np.stack([after(texts[at]) for at in picked[0]])[None])
        depth += 1
    found: Floats = walk.distribution(bounds)
    return found


def node_of(trie: PriceTrie, text: str) -> int:
    """The node that a text leads to, each token counted as what it stands for; -1: no price starts like this."""
    node = 0
    for letter in text:
        column = trie.more.index(VOCABULARY[letter])
        if len(trie.stands_for):
            column = int(trie.stands_for[node, column])
        if node < 0 or column == len(trie.more):
            return -1
        node = int(trie.following[node, column])
    return node


@pytest.mark.parametrize("bounds", [GROCERIES, SHELF, CARS, WIDE], ids=str)
def test_every_price_that_can_be_said_is_spelt_and_nothing_else(bounds: Bounds) -> None:
    trie = TRIES[bounds]
    for place, value in enumerate(trie.values.tolist()):
        assert trie.price[node_of(trie, bounds.spell(value))] == place + 1
    assert set(trie.price.tolist()) - {0} == set(range(1, len(trie.values) + 1))


@pytest.mark.parametrize(
    ("bounds", "texts"),
    [
        (GROCERIES, {"0.35": 0.2, "0.99": 0.4, "4.99": 0.4}),
        (SHELF, {"0.99": 0.1, "12.49": 0.5, "9.90": 0.3, "7": 0.1}),
        (CARS, {"8990": 0.2, "12500": 0.3, "125000": 0.1, "350000": 0.4}),
        (WIDE, {"0.05": 0.25, "450": 0.25, "19.95": 0.25, "880,000": 0.25}),
    ],
    ids=str,
)
def test_known_shares_of_digits_are_read_back(bounds: Bounds, texts: dict[str, float]) -> None:
    found = read(bounds, texts)
    prices = TRIES[bounds].values[: found.shape[1]]
    expected = {float(text.replace(",", "")): share for text, share in texts.items()}
    assert {float(prices[i]): pytest.approx(found[0, i]) for i in np.flatnonzero(found[0] > 1e-12)} == expected
    [reading] = readings(found, prices, [Spent()])
    known = sorted(expected.items())
    below = np.cumsum([share for _, share in known])
    assert reading.statistics["median"] == known[int((below < 0.5 - 1e-9).sum())][0]
    assert reading.statistics["mean"] == pytest.approx(sum(price * share for price, share in known))
    assert (reading.quantiles[0], reading.quantiles[-1]) == (known[0][0], known[-1][0])


@pytest.mark.parametrize(
    ("bounds", "text", "price"),
    [
        (CARS, "123456", 123_000),  # only three digits mean something: the others count as 0, whatever they are
        (CARS, "8,999", 8_990),
        (SHELF, "4.5", 4.5),
        (SHELF, "7.", 7),
        (WIDE, "450.75", 450),  # no price of this size has cents: the point ends it
    ],
)
def test_other_spellings_count_as_the_price_they_mean(bounds: Bounds, text: str, price: float) -> None:
    found = read(bounds, {text: 1.0})
    assert TRIES[bounds].values[found[0].argmax()] == price
    assert found[0].max() == pytest.approx(1)


@pytest.mark.parametrize("bounds", [GROCERIES, SHELF, CARS, WIDE], ids=str)
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_shares_sum_to_one_and_stay_within_the_bounds_whatever_a_model_says(bounds: Bounds, seed: int) -> None:
    trie, random = TRIES[bounds], np.random.default_rng(seed)
    says: Callable[[int], Floats] = lambda n: random.dirichlet(np.full(len(trie.more) + 1, 0.5), size=(2, n))  # noqa: E731
    walk = Walk(trie, 2)
    walk.step(np.zeros((2, 1), dtype=np.int64), says(1))
    while (picked := walk.pick(0.9, 8)).shape[1]:
        walk.step(picked, says(picked.shape[1]))
    found = walk.distribution(bounds)
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found >= 0).all()
    prices = trie.values[: found.shape[1]]
    assert prices[-1] < bounds.above
    assert (found[:, prices < bounds.lowest] == 0).all()
