"""Priced examples as chats: one JSON object per line, the format in which models behind endpoints are tuned."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from worker.prompts import token_count, token_guess
from worker.specs.price_bounds import USUAL, Bounds


def lines(examples: pl.DataFrame, bounds: Bounds = USUAL) -> Iterator[str]:
    """A line per example of a frame with system, shared, text, ask and price; each ends with a line break."""
    for example in examples.iter_rows(named=True):
        yield json.dumps({"messages": messages(example, bounds)}) + "\n"


def messages(example: dict[str, Any], bounds: Bounds = USUAL) -> list[dict[str, str]]:
    """The question as worker.llm.endpoint.requests sends it, and the answer that it should get."""
    said = [
        {"role": "user", "content": example["shared"] + example["text"] + example["ask"]},
        {"role": "assistant", "content": answer(example["price"], bounds)},
    ]
    return [{"role": "system", "content": example["system"]}, *said] if example["system"] else said


def answer(price: float, bounds: Bounds = USUAL) -> str:
    """A price as it may be said, half a step counted as a whole one; never 0, which no reading takes for a price."""
    return bounds.spell(price + 1e-9)


def tokens(examples: pl.DataFrame, model: str = "", bounds: Bounds = USUAL) -> list[int]:
    """About how many tokens each line is trained on in one epoch."""
    chats = [messages(example, bounds) for example in examples.iter_rows(named=True)]
    counted = token_count.tokens(model, ["".join(each["content"] for each in chat) for chat in chats]).tokens
    return [n + token_guess.MESSAGE_TOKENS * len(chat) for n, chat in zip(counted, chats, strict=True)]


def most_tokens(examples: pl.DataFrame, bounds: Bounds = USUAL) -> int:
    """At most about so many tokens all of them are trained on in one epoch."""
    said = [message for example in examples.iter_rows(named=True) for message in messages(example, bounds)]
    return sum(token_guess.count(message["content"]) + token_guess.MESSAGE_TOKENS for message in said)
