"""Which token paths spell a price? A trie over the tokens of "1" to "999…", for any tokenizer."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """The answer so far. `price` is set where the answer may end."""

    token: int = -1
    price: int | None = None
    children: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PriceTrie:
    root: Node
    digits: frozenset[int]  # tokens that go on with the number: what is not in here ends it
    comma: int | None  # goes on with the number too ("1,299"), or its first three digits would be taken for it


def price_trie(encode: Callable[[str], list[int]], vocabulary: dict[str, int], max_price: int) -> PriceTrie:
    """Prices of as many digits as `max_price` has; the caller cuts what is above it.

    From 1,000 on a price may be spelt with and without a comma; both spellings count.
    """
    root = Node()
    top = 10 ** len(str(max_price))
    before = encode("$")
    for price in range(1, top):
        for spelling in {str(price), f"{price:,}"}:
            path = encode("$" + spelling)
            if path[: len(before)] == before:  # else the tokenizer glues digits to the sign: not a path from there
                _insert(root, path[len(before) :], price)
    digits = frozenset(i for piece, i in vocabulary.items() if piece.isascii() and piece.isdigit())
    comma = vocabulary.get(",")
    return PriceTrie(root, digits, comma)


def _insert(root: Node, path: list[int], price: int) -> None:
    node = root
    for token in path:
        found = next((child for child in node.children if child.token == token), None)
        if found is None:
            found = Node(token)
            node.children.append(found)
        node = found
    node.price = price
