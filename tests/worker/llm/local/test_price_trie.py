"""The trie spells exactly the prices."""

import pytest

from tests.worker.llm.tiny import DIGITS, VOCABULARY, encode
from worker.llm.local.price_trie import PriceTrie, price_trie
from worker.specs.price_bounds import Bounds

pytestmark = pytest.mark.model


def spelt(trie: PriceTrie, node: int = 0, path: tuple[int, ...] = ()) -> dict[tuple[int, ...], int]:
    """Token path -> price, for every path that may end."""
    found = {path: int(trie.price[node])} if trie.price[node] else {}
    for column, child in enumerate(trie.following[node]):
        if child >= 0:
            found |= spelt(trie, int(child), (*path, trie.more[column]))
    return found


def test_every_price_has_its_digits_and_nothing_else() -> None:
    trie = price_trie(encode, VOCABULARY, Bounds(1, 999))
    assert spelt(trie) == {tuple(DIGITS[int(d)] for d in str(price)): price for price in range(1, 1000)}


def test_thousands_may_have_a_comma() -> None:
    paths = spelt(price_trie(encode, VOCABULARY, Bounds(1, 2000)))
    assert paths[tuple(encode(["1299"])[0])] == 1299
    assert paths[tuple(encode(["1,299"])[0])] == 1299
    assert tuple(encode(["1,29"])[0]) not in paths


def test_a_comma_and_digits_never_end_a_number() -> None:
    assert set(price_trie(encode, VOCABULARY, Bounds(1, 99)).more) == {*DIGITS, VOCABULARY[","]}
