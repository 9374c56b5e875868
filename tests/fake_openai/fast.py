"""The brain without a model: the same plausible price for the same words, at once."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.fake_openai.brain import Answer, Ask, Call, Token, pieces, shortened, text_of
from tests.fake_openai.prices import Guess, guess, number_tokens, shares
from tests.fake_openai.settings import Model

_PRODUCT = re.compile(r"<product>(.*?)</product>", re.DOTALL)
_CATEGORY = re.compile(r"[Cc]ategory:\s*([^\n<]+)")
_ORDER = re.compile(r"\b(?:answer|reply|say)\b[^.\n\d]{0,40}\$?(\d{1,4})\b", re.IGNORECASE)
_LAST = 600  # letters of a prompt without marks that count as the product
_SURE = -1e-4  # natural logarithm of a token that hardly could be another
_RARE = -9.2


class FastBrain:
    """Deterministic. `gullible`: it obeys a product text that tells it what to answer, as small models do."""

    blocking = False

    def __init__(self, *, gullible: bool = False) -> None:
        self.gullible = gullible

    def models(self) -> list[Model] | None:
        return None

    def tokens(self, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        out: list[str] = []
        for message in messages:
            out += ["<|start|>", str(message.get("role")), "<|message|>"]
            out += pieces(text_of(message))
            for call in message.get("tool_calls") or []:
                out += pieces(json.dumps(call.get("function")))
        return [*out, "<|start|>", "assistant", "<|message|>"]

    def answer(self, ask: Ask) -> Answer:
        calls = _calls(ask)
        if calls:
            return Answer([], calls, "tool_calls", ask.model.reasoning)
        product = product_of(ask.messages)
        told = "\n".join(text_of(m) for m in ask.messages if m.get("role") in ("user", "tool"))
        found = guess(product, told.replace(product, " "))
        order = _ORDER.search(product) if self.gullible else None
        writer = _Writer(ask, product, found, int(order[1]) if order else None)
        if ask.schema is not None:
            writer.json(ask.schema)
        elif ask.model.style == "words" or ask.free_text:
            writer.words("The price is about $")
            writer.price()
            writer.words(".")
        elif ask.model.style == "cents":
            writer.words("$")
            writer.price()
            writer.words(".99")
        else:
            writer.price()
        return shortened(Answer(writer.out, (), "stop", ask.model.reasoning), ask)


def product_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text between the last <product> marks of the conversation, else the end of the last question."""
    asked = [text_of(message) for message in messages if message.get("role") == "user"]
    marked = _PRODUCT.findall("\n".join(asked))
    if marked:
        return str(marked[-1])
    return asked[-1][-_LAST:] if asked else ""


class _Writer:
    """Puts an answer together from fixed words and from numbers that the brain has doubts about."""

    def __init__(self, ask: Ask, product: str, found: Guess, order: int | None) -> None:
        self.ask, self.product, self.found, self.order = ask, product, found, order
        self.out: list[Token] = []
        self.random = np.random.default_rng(ask.seed)
        self.group = 3 if ask.model.digits == "groups" else 1

    def words(self, text: str) -> None:
        self.out += [Token(piece, _SURE, ((piece, _SURE), ("\n", _RARE))) for piece in pieces(text)]

    def price(self, found: Guess | None = None) -> None:
        if self.order is not None:
            self.words(str(self.order))
            return
        odds = shares(found or self.found)
        self.out += number_tokens(odds, self.group, self.ask.temperature or 0.0, self.random)

    def json(self, schema: Mapping[str, Any], name: str = "price") -> None:
        """An object that fits the schema, strings from the product, numbers from the guess."""
        properties = schema.get("properties") or ({"price": {"type": "number"}} if not schema else {})
        kind = schema.get("type", "object" if properties or not schema else "string")
        kind = next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind
        if "enum" in schema or "const" in schema:
            self.words(json.dumps(schema["const"] if "const" in schema else schema["enum"][0]))
        elif kind == "object":
            self.words("{")
            for i, (key, inner) in enumerate(properties.items()):
                self.words((", " if i else "") + json.dumps(key) + ": ")
                self.json(inner, key)
            self.words("}")
        elif kind == "array":
            self.words("[")
            self.json(schema.get("items") or {"type": "string"}, name)
            self.words("]")
        elif kind in ("number", "integer"):
            self.number(name)
        else:
            self.words({"boolean": "false", "null": "null"}.get(kind) or json.dumps(self.product.split("\n")[0][:40]))

    def number(self, name: str) -> None:
        if "low" in name or "min" in name:
            self.words(str(max(1, round(self.found.quantile(0.1)))))
        elif "high" in name or "max" in name:
            self.words(str(round(self.found.quantile(0.9))))
        elif "confidence" in name or "probability" in name:
            self.words("0.7")
        else:
            self.price()


def _calls(ask: Ask) -> tuple[Call, ...]:
    """What the script says for this round; nothing when the script is over or names tools that are not offered."""
    offered = {tool["name"]: tool for tool in ask.tools}
    if not offered or ask.tool_choice == "none":
        return ()
    done = sum(1 for message in ask.messages if message.get("tool_calls"))
    rounds = ask.settings.tool_rounds
    wanted = list(rounds[done]) if done < len(rounds) else []
    wanted = [entry for entry in wanted if not isinstance(entry, str) or entry in offered]
    if ask.tool_choice in offered:
        wanted = [ask.tool_choice]
    elif ask.tool_choice == "required" and not wanted:
        wanted = [next(iter(offered))]
    if not ask.parallel:
        wanted = wanted[:1]
    product = product_of(ask.messages)
    return tuple(
        Call(entry, json.dumps(_arguments(offered[entry], product))) if isinstance(entry, str) else Call(*entry)
        for entry in wanted
    )


def _arguments(tool: Mapping[str, Any], product: str) -> dict[str, Any]:
    """Arguments that fit the tool's schema: the item's category where one is wanted, else its first words."""
    schema = tool.get("parameters") or {}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    category = _CATEGORY.search(product)
    values: dict[str, Any] = {}
    for name in schema.get("required") or properties:
        kind = (properties.get(name) or {}).get("type", "string")
        if kind in ("integer", "number"):
            values[name] = (properties[name]).get("minimum", 1)
        elif kind == "boolean":
            values[name] = False
        elif kind == "array":
            values[name] = []
        elif name == "category":
            values[name] = category[1].strip() if category else "unknown"
        elif name == "expression":
            values[name] = "(19.99 + 29.99) / 2"
        else:
            values[name] = " ".join(product.split()[:8])
    return values
