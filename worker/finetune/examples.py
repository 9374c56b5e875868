"""What a fine-tune reads: the very prompts that the technique will ask later, each with its price."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from db.types import PromptVersion
from worker.prompts.filling import Contents, Form, Texts
from worker.prompts.rendering import item_values
from worker.specs.finetune import TrainSpec

EXAMPLE_SCHEMA = {
    "row": pl.Int64,
    "system": pl.String,  # these four are a worker.llm.base.Prompt
    "shared": pl.String,
    "text": pl.String,
    "ask": pl.String,
    "price": pl.Float64,
}
"""Columns of a frame of examples."""


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of both sides, as frames of EXAMPLE_SCHEMA."""

    train: pl.DataFrame
    validation: pl.DataFrame
    fingerprint: str  # of the dataset, its split and the rows of `train`


def examples(
    items: pl.DataFrame, contents: Sequence[Contents], spec: TrainSpec, template: PromptVersion, texts: Texts
) -> pl.DataFrame:
    """EXAMPLE_SCHEMA, one line per item with a price (ITEM_SCHEMA), in order; `contents`: what else a prompt holds.

    Raises NotReady when even a bare product does not fit the model.
    """
    products = [item_values(*each) for each in items.select("title", "description", "category", "brand").iter_rows()]
    form = Form(template, texts, spec.max_text_tokens, bounds=spec.bounds)
    prompts = [filled.prompt for filled in form.fill(products, contents)]
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
