"""Puts an item into a prompt that fits the model: texts are cut, and what matters least is left out first.

The rule: a product's text is cut to `max_text_tokens`. If the whole would still be longer than the model's context less
its answer, the lowest-ranked examples go first, then the lowest-ranked neighbours, then the product's text is cut
further (its description stands last, so that goes first). What the template says itself, the question for the price
included, is never cut. Whatever was left out is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from db.errors import NotReady
from db.types import PromptVersion
from worker.prompts.rendering import Item, Known, Rendered, Values, item_values, render
from worker.specs.price_bounds import USUAL, Bounds

ANSWER_TOKENS = 32  # a price, and what a model says around it
CHAT_TOKENS = 24  # control tokens around the messages of a chat
_SHORTEST = 8  # tokens of product text; a prompt that leaves less room than this does not fit the model at all


class Texts(Protocol):
    """The part of a LanguageModel that prompts are made with; it needs no weights."""

    context: int

    def count(self, texts: list[str]) -> list[int]: ...

    def cut(self, texts: list[str], tokens: int) -> list[str]: ...


@dataclass(slots=True)
class Contents:
    """What an item's prompt holds beside the item."""

    examples: Sequence[Known] = ()  # best first
    neighbours: Sequence[Known] = ()  # best first
    stats: Mapping[str, Any] = field(default_factory=dict)
    attributes: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    prompt: Rendered
    shortened: dict[str, int]  # "examples" (and neighbours) left out, "tokens" of text cut; {} = nothing


@dataclass(frozen=True, slots=True)
class Form:
    """What all prompts about a table's items have in common."""

    template: PromptVersion
    model: Texts
    max_text_tokens: int
    own_examples: bool = False  # chosen for each item
    room: int = ANSWER_TOKENS  # tokens kept free for the answer
    bounds: Bounds = USUAL  # the prices that the model may say

    def fill(self, items: Sequence[Item], contents: Sequence[Contents]) -> list[Filled]:
        """One prompt per item. Raises NotReady when even a bare product does not fit the model."""
        cut = cut_items(self.model, items, self.max_text_tokens)
        prompts = [self._prompt(item, own, 0) for item, own in zip(cut, contents, strict=True)]
        sizes = self._sizes(prompts)
        return [
            Filled(prompt, {}) if size <= self._limit else self._shorten(item, own)
            for prompt, size, item, own in zip(prompts, sizes, cut, contents, strict=True)
        ]

    @property
    def _limit(self) -> int:
        return self.model.context - self.room - CHAT_TOKENS

    def _sizes(self, prompts: Sequence[Rendered]) -> list[int]:
        return self.model.count([f"{prompt.system}\n\n{prompt.user}" for prompt in prompts])

    def _shorten(self, item: Item, contents: Contents) -> Filled:
        """The longest prompt of this item that fits."""
        known = len(contents.examples) + len(contents.neighbours)
        low, high = 1, known
        while low < high:  # the fewest that must go: what is left out only makes a prompt shorter
            middle = (low + high) // 2
            if self._sizes([self._prompt(item, contents, middle)])[0] <= self._limit:
                high = middle
            else:
                low = middle + 1
        dropped = min(high, known)
        prompt = self._prompt(item, contents, dropped)
        whole = left = self.model.count([item["product"]])[0]
        while (over := self._sizes([prompt])[0] - self._limit) > 0:
            if left <= _SHORTEST:
                raise NotReady(
                    f"The prompt {self.template.ref} does not fit the model's {self.model.context:,} tokens even with "
                    "next to nothing of the product; shorten it."
                )
            left = max(_SHORTEST, min(left - over, left - 1))
            [shorter] = cut_items(self.model, [item], left)
            prompt = self._prompt(shorter, contents, dropped)
        counts = {"examples": dropped, "tokens": whole - left}
        return Filled(prompt, {what: n for what, n in counts.items() if n})

    def _prompt(self, item: Item, contents: Contents, dropped: int) -> Rendered:
        examples = contents.examples[: max(0, len(contents.examples) - dropped)]
        dropped -= len(contents.examples) - len(examples)
        neighbours = contents.neighbours[: len(contents.neighbours) - dropped]
        values = Values(
            **item,
            attributes=contents.attributes,
            stats=contents.stats,
            examples=examples[::-1],  # the best stands next to the question
            neighbours=neighbours[::-1],
        )
        return render(self.template, values, own_examples=self.own_examples, bounds=self.bounds)


def cut_items(model: Texts, items: Sequence[Item], tokens: int) -> list[Item]:
    """The items with `product` cut to so many tokens, and the other texts to what is left of them in it."""
    short = model.cut([item["product"] for item in items], tokens)
    return [_like(model, item, product, tokens) for item, product in zip(items, short, strict=True)]


def _like(model: Texts, item: Item, product: str, tokens: int) -> Item:
    gone = len(item["product"]) - len(product)
    if not gone:
        return item
    if gone < len(item["description"]):  # it stands last
        return Item(**{**item, "product": product.rstrip(), "description": item["description"][:-gone].rstrip()})
    title, brand, category = model.cut([item["title"], item["brand"], item["category"]], tokens)
    return Item(title=title, description="", category=category, brand=brand, product=product.rstrip())


def known_products(model: Texts, lines: Sequence[Mapping[str, Any]], tokens: int) -> list[Known]:
    """Priced products for a prompt, each cut to so many tokens.

    Lines have title, description, category, brand and price, perhaps similarity.
    """
    items = [
        item_values(*(str(line[name]) for name in ("title", "description", "category", "brand"))) for line in lines
    ]
    texts = model.cut([item["product"] for item in items], tokens)
    return [
        Known(product=text.rstrip(), price=float(line["price"]), similarity=float(line.get("similarity", 0.0)))
        for text, line in zip(texts, lines, strict=True)
    ]
