"""Priced examples as chats: one JSON object per line, the format in which models behind endpoints are tuned."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from worker.prompts import token_count, token_guess


def lines(examples: pl.DataFrame) -> Iterator[str]:
    """A line per example of a frame with system, shared, text, ask and price; each ends with a line break."""
    for example in examples.iter_rows(named=True):
        yield json.dumps({"messages": messages(example)}) + "\n"


def messages(example: dict[str, Any]) -> list[dict[str, str]]:
    """The question as worker.llm.endpoint.requests sends it, and the answer that it should get."""
    said = [
        {"role": "user", "content": example["shared"] + example["text"] + example["ask"]},
        {"role": "assistant", "content": answer(example["price"])},
    ]
    return [{"role": "system", "content": example["system"]}, *said] if example["system"] else said


def answer(price: float) -> str:
    """A price in whole dollars; never 0, which no reading takes for a price."""
    return str(max(1, int(price + 0.5)))


def tokens(examples: pl.DataFrame, model: str = "") -> list[int]:
    """About how many tokens each line is trained on in one epoch."""
    chats = [messages(example) for example in examples.iter_rows(named=True)]
    counted = token_count.tokens(model, ["".join(each["content"] for each in chat) for chat in chats]).tokens
    return [n + token_guess.MESSAGE_TOKENS * len(chat) for n, chat in zip(counted, chats, strict=True)]


def most_tokens(examples: pl.DataFrame) -> int:
    """At most about so many tokens all of them are trained on in one epoch."""
    said = [message for example in examples.iter_rows(named=True) for message in messages(example)]
    return sum(token_guess.count(message["content"]) + token_guess.MESSAGE_TOKENS for message in said)
