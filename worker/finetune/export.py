"""Which examples does another provider tune a model with? The rows of a dataset as a file in the chat format."""

from typing import Any

import polars as pl

from db.types import PromptVersion
from worker.finetune.endpoint import chat_format
from worker.prompts import token_guess
from worker.specs.finetune import TrainSpec
from worker.techniques.shared.prompt_filling import Given
from worker.training.prompts import examples


class _Guessed:
    """Stands in for the tokenizer of a model that is not here."""

    context = 128_000

    def count(self, texts: list[str]) -> list[int]:
        return [token_guess.count(text) for text in texts]

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        return [token_guess.cut(text, tokens) for text in texts]


def jsonl(items: pl.DataFrame, spec: TrainSpec, prompt: PromptVersion) -> bytes:
    """A line per item (ITEM_SCHEMA with prices), in order."""
    return "".join(chat_format.lines(_frame(items, spec, prompt))).encode()


def tokens(items: pl.DataFrame, spec: TrainSpec, prompt: PromptVersion) -> int:
    """About how many tokens the items have together, in one epoch."""
    return sum(chat_format.tokens(_frame(items, spec, prompt)))


def _frame(items: pl.DataFrame, spec: TrainSpec, prompt: PromptVersion) -> pl.DataFrame:
    texts: Any = _Guessed()
    return examples(items, [Given() for _ in range(len(items))], spec, prompt, texts)
