"""How does an item get into a prompt that fits the model? Texts are cut, and what matters least is left out first.

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
from worker.llm.base import Prompt, Spent
from worker.prompts.rendering import Item, Known, Values, item_values, render

ANSWER_TOKENS = 32  # a price, and what a model says around it
CHAT_TOKENS = 24  # control tokens around the messages of a chat
_SHORTEST = 8  # tokens of product text; a prompt that leaves less room than this does not fit the model at all


class Texts(Protocol):
    """The part of a LanguageModel that prompts are made with; it needs no weights."""

    context: int

    def count(self, texts: list[str]) -> list[int]: ...

    def cut(self, texts: list[str], tokens: int) -> list[str]: ...


@dataclass(slots=True)
class Given:
    """What an item's prompt holds beside the item, and what it took to find that."""

    examples: Sequence[Known] = ()  # best first
    neighbours: Sequence[Known] = ()  # best first
    stats: Mapping[str, Any] = field(default_factory=dict)
    attributes: str = ""
    spent: Spent = field(default_factory=Spent)
    evidence: dict[str, Any] = field(default_factory=dict)
    error: str | None = None  # nothing can be asked about this item, and why


@dataclass(frozen=True, slots=True)
class Asked:
    prompt: Prompt
    shortened: dict[str, int]  # "examples" (and neighbours) left out, "tokens" of text cut; {} = nothing


@dataclass(frozen=True, slots=True)
class Form:
    """What all prompts of a technique have in common."""

    template: PromptVersion
    model: Texts
    max_text_tokens: int
    own_examples: bool = False  # chosen for each item
    room: int = ANSWER_TOKENS  # tokens kept free for the answer

    def fill(self, rows: Sequence[int], items: Sequence[Item], given: Sequence[Given]) -> list[Asked]:
        """One prompt per item. Raises NotReady when even a bare product does not fit the model."""
        cut = cut_items(self.model, items, self.max_text_tokens)
        prompts = [self._prompt(row, item, own, 0) for row, item, own in zip(rows, cut, given, strict=True)]
        sizes = self._sizes(prompts)
        return [
            Asked(prompt, {}) if size <= self._limit else self._shorten(row, item, own)
            for row, prompt, size, item, own in zip(rows, prompts, sizes, cut, given, strict=True)
        ]

    @property
    def _limit(self) -> int:
        return self.model.context - self.room - CHAT_TOKENS

    def _sizes(self, prompts: Sequence[Prompt]) -> list[int]:
        return self.model.count([f"{prompt.system}\n\n{prompt.user}" for prompt in prompts])

    def _shorten(self, row: int, item: Item, given: Given) -> Asked:
        """The longest prompt of this item that fits."""
        known = len(given.examples) + len(given.neighbours)
        low, high = 1, known
        while low < high:  # the fewest that must go: what is left out only makes a prompt shorter
            middle = (low + high) // 2
            if self._sizes([self._prompt(row, item, given, middle)])[0] <= self._limit:
                high = middle
            else:
                low = middle + 1
        dropped = min(high, known)
        prompt = self._prompt(row, item, given, dropped)
        whole = left = self.model.count([item["product"]])[0]
        while (over := self._sizes([prompt])[0] - self._limit) > 0:
            if left <= _SHORTEST:
                raise NotReady(
                    f"The prompt {self.template.ref} does not fit the model's {self.model.context:,} tokens even with "
                    "next to nothing of the product; shorten it."
                )
            left = max(_SHORTEST, min(left - over, left - 1))
            [shorter] = cut_items(self.model, [item], left)
            prompt = self._prompt(row, shorter, given, dropped)
        counts = {"examples": dropped, "tokens": whole - left}
        return Asked(prompt, {what: n for what, n in counts.items() if n})

    def _prompt(self, row: int, item: Item, given: Given, dropped: int) -> Prompt:
        examples = given.examples[: max(0, len(given.examples) - dropped)]
        dropped -= len(given.examples) - len(examples)
        neighbours = given.neighbours[: len(given.neighbours) - dropped]
        values = Values(
            **item,
            attributes=given.attributes,
            stats=given.stats,
            examples=examples[::-1],  # the best stands next to the question
            neighbours=neighbours[::-1],
        )
        made = render(self.template, values, own_examples=self.own_examples)
        return Prompt(made.shared, made.text, made.ask, made.system, row)


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
