"""The token paths that spell a price: a trie over the tokens of every price that may be said, for any tokenizer, as
tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worker.specs.price_bounds import Bounds

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PriceTrie:
    """Node 0 is the empty answer. Node -1 stands for "no price starts like this"."""

    more: tuple[int, ...]  # S tokens that go on with a number (digits, comma, point); every other token ends it
    following: npt.NDArray[np.int64]  # (nodes, S): the node after that token
    price: npt.NDArray[np.int64]  # (nodes,): place of the price in `values` if the number ends here, from 1; else 0
    values: Floats  # $, rising
    decimals: npt.NDArray[np.int64]  # (nodes,): digits and point that stand behind the whole dollars
    stands_for: npt.NDArray[np.int64]  # (nodes, S): the column that a token counts as, S = an end; (0, 0): each itself

    @property
    def goes_on(self) -> npt.NDArray[np.bool_]:
        """(nodes,): some price is longer than this."""
        return np.asarray((self.following >= 0).any(1))

    def settled(self, node: npt.NDArray[np.int64], shares: Floats) -> Floats:
        """(k, S + 1) shares of the further tokens of k nodes and of an end, with tokens that mean the same as another
        counted as that one."""
        if not len(self.stands_for):
            return shares
        out = np.zeros_like(shares)
        out[:, -1] = shares[:, -1]
        np.add.at(out, (np.arange(len(node))[:, None], self.stands_for[node]), shares[:, :-1])
        return out


def price_trie(
    encode: Callable[[list[str]], list[list[int]]], vocabulary: dict[str, int], bounds: Bounds
) -> PriceTrie:  # fmt: skip
    """Prices of as many digits as the highest one has; the caller cuts what lies outside the bounds.

    From 1,000 on a price may be spelt with and without a comma; both spellings count. A comma never ends a number:
    else the model's "1,299" would be read as 1. Where bounds have cents, a point goes on with a number, unless no price
    of that size has any; it then ends it, as it does among whole dollars. Where only three digits mean something, any
    further digit counts as a 0.
    """
    values = bounds.grid()
    spellings = [(i + 1, text) for i, value in enumerate(values.tolist()) for text in _spellings(value, bounds)]
    before, *paths = encode(["$", *("$" + text for _, text in spellings)])
    of_number = {i for piece, i in vocabulary.items() if piece == "," or (piece.isascii() and piece.isdigit())}
    paths = [path[len(before) :] if path[: len(before)] == before else [] for path in paths]  # glued to the sign: none
    more = tuple(sorted(of_number | {token for path in paths for token in path}))
    column = {token: i for i, token in enumerate(more)}
    nodes: list[dict[int, int]] = [{}]
    prices = [0]
    texts = [""]
    piece_of = {i: piece for piece, i in vocabulary.items() if i in column}
    for (place, _), path in zip(spellings, paths, strict=True):
        node = 0
        for token in path:
            if column[token] not in nodes[node]:
                nodes[node][column[token]] = len(nodes)
                nodes.append({})
                prices.append(0)
                texts.append(texts[node] + piece_of[token])
            node = nodes[node][column[token]]
        if path:
            prices[node] = place
    following = np.full((len(nodes), len(more)), -1, dtype=np.int64)
    for i, children in enumerate(nodes):
        following[i, list(children)] = list(children.values())
    decimals = np.array([len(text) - text.find(".") if "." in text else 0 for text in texts], dtype=np.int64)
    stands_for = _stand_ins(following, texts, [piece_of[token] for token in more], bounds)
    return PriceTrie(more, following, np.asarray(prices, dtype=np.int64), values, decimals, stands_for)


def _spellings(value: float, bounds: Bounds) -> Iterator[str]:
    if not bounds.places or value >= 100:
        yield from dict.fromkeys((f"{value:.0f}", f"{value:,.0f}"))
        return
    text = bounds.spell(value)
    yield text
    while text.endswith("0"):  # "4.50", "4.5"; "4.00", "4.0", "4.", "4"
        text = text[:-1]
        yield text
    if text.endswith("."):
        yield text[:-1]


def _stand_ins(
    following: npt.NDArray[np.int64], texts: list[str], pieces: list[str], bounds: Bounds
) -> npt.NDArray[np.int64]:
    """(nodes, S) as PriceTrie.stands_for has it."""
    nodes, width = following.shape
    if not bounds.places and not bounds.is_rounded:
        return np.empty((0, 0), dtype=np.int64)
    out = np.tile(np.arange(width), (nodes, 1))
    for i, piece in enumerate(pieces):
        if piece.startswith("."):
            out[following[:, i] < 0, i] = width
        elif piece.isdigit() and (zeros := "0" * len(piece)) != piece and zeros in pieces:
            zero = pieces.index(zeros)
            rounded = np.array([sum(map(str.isdigit, text)) >= 3 and "." not in text for text in texts])
            out[rounded & (following[:, zero] >= 0), i] = zero
    return out
