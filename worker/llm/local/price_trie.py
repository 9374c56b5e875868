"""The token paths that spell a price: a trie over the tokens of "1" to "999…", for any tokenizer, as two tables."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class PriceTrie:
    """Node 0 is the empty answer. Node -1 stands for "no price starts like this"."""

    more: tuple[int, ...]  # S tokens that go on with a number (digits, comma); every other token ends it
    following: npt.NDArray[np.int64]  # (nodes, S): the node after that token
    price: npt.NDArray[np.int64]  # (nodes,): the price if the number ends here, else 0

    @property
    def goes_on(self) -> npt.NDArray[np.bool_]:
        """(nodes,): some price is longer than this."""
        return np.asarray((self.following >= 0).any(1))


def price_trie(encode: Callable[[list[str]], list[list[int]]], vocabulary: dict[str, int], max_price: int) -> PriceTrie:
    """Prices of as many digits as `max_price` has; the caller cuts what is above it.

    From 1,000 on a price may be spelt with and without a comma; both spellings count. A comma never ends a number:
    else the model's "1,299" would be read as 1.
    """
    top = 10 ** len(str(max_price))
    spellings = [(price, text) for price in range(1, top) for text in dict.fromkeys((str(price), f"{price:,}"))]
    before, *paths = encode(["$", *("$" + text for _, text in spellings)])
    more = tuple(sorted(i for piece, i in vocabulary.items() if piece == "," or (piece.isascii() and piece.isdigit())))
    column = {token: i for i, token in enumerate(more)}
    nodes: list[dict[int, int]] = [{}]
    prices = [0]
    for (price, _), path in zip(spellings, paths, strict=True):
        if path[: len(before)] != before:  # the tokenizer glues digits to the sign: no path that starts after it
            continue
        node = 0
        for token in path[len(before) :]:
            if column[token] not in nodes[node]:
                nodes[node][column[token]] = len(nodes)
                nodes.append({})
                prices.append(0)
            node = nodes[node][column[token]]
        prices[node] = price
    following = np.full((len(nodes), len(more)), -1, dtype=np.int64)
    for i, children in enumerate(nodes):
        following[i, list(children)] = list(children.values())
    return PriceTrie(more, following, np.asarray(prices, dtype=np.int64))
