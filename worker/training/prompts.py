"""What does a fine-tune read? The very prompts that the technique will ask later, each with its price."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from db.types import PromptVersion
from worker.llm.local.tokenizer import Tokenizer
from worker.prompts.rendering import item_values
from worker.specs.finetune import TrainSpec
from worker.techniques.shared.prompt_filling import Form, Given

EXAMPLE_SCHEMA = {
    "row": pl.Int64,
    "system": pl.String,  # these four are a worker.llm.base.Prompt
    "shared": pl.String,
    "text": pl.String,
    "ask": pl.String,
    "price": pl.Float64,
}
"""Columns of a frame of examples."""


class Texts:
    """The part of a LanguageModel that prompts are made with: it counts and cuts. Loads no weights."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer(folder)
        config = json.loads((folder / "config.json").read_text())
        self.context = int(config.get("max_position_embeddings") or 2048)

    def count(self, texts: list[str]) -> list[int]:
        return self._tokenizer.count(texts)

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        return self._tokenizer.cut(texts, tokens)


def examples(
    items: pl.DataFrame, given: Sequence[Given], spec: TrainSpec, template: PromptVersion, texts: Texts
) -> pl.DataFrame:
    """EXAMPLE_SCHEMA, one line per item with a price (ITEM_SCHEMA), in order; `given` is what else a prompt holds."""
    products = [item_values(*each) for each in items.select("title", "description", "category", "brand").iter_rows()]
    form = Form(template, texts, spec.max_text_tokens)
    prompts = [asked.prompt for asked in form.fill(items["row"].to_list(), products, given)]
    return pl.DataFrame(
        {
            "row": items["row"],
            "system": [prompt.system for prompt in prompts],
            "shared": [prompt.shared for prompt in prompts],
            "text": [prompt.text for prompt in prompts],
            "ask": [prompt.ask for prompt in prompts],
            "price": items["price"],
        },
        schema=EXAMPLE_SCHEMA,
    )
