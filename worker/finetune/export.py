"""The rows of a dataset as a file in the chat format, with which any provider tunes a model."""

import polars as pl

from db.types import PromptVersion
from worker.finetune.endpoint import chat_format
from worker.finetune.examples import examples
from worker.prompts import token_guess
from worker.prompts.filling import Contents
from worker.specs.finetune import TrainSpec


class _Guessed:
    """Stands in for the tokenizer of a model that is not here."""

    context = 128_000

    def count(self, texts: list[str]) -> list[int]:
        return [token_guess.count(text) for text in texts]

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        return [token_guess.cut(text, tokens) for text in texts]


def jsonl(items: pl.DataFrame, spec: TrainSpec, prompt: PromptVersion) -> bytes:
    """A line per item (ITEM_SCHEMA with prices), in order."""
    return "".join(chat_format.lines(_frame(items, spec, prompt), spec.bounds)).encode()


def tokens(items: pl.DataFrame, spec: TrainSpec, prompt: PromptVersion) -> int:
    """About how many tokens the items have together, in one epoch."""
    return sum(chat_format.tokens(_frame(items, spec, prompt), bounds=spec.bounds))


def _frame(items: pl.DataFrame, spec: TrainSpec, prompt: PromptVersion) -> pl.DataFrame:
    return examples(items, [Contents() for _ in range(len(items))], spec, prompt, _Guessed())
