"""How is a model asked for a price? The same words before and after every product, the product itself as data."""

from collections.abc import Sequence

import polars as pl

from worker.llm.base import Prompt

# Chosen on validation rows (docs/experiments.md): for both packaged models a shop's page that goes on with its price
# beats a question, and for the instruct model plain text beats its own chat template.
OPENING = "A product from an online shop\n\n"
ANSWER = "\n\nPrice: $"

Example = tuple[str, float]  # product text, price in dollars


def product_texts(items: pl.DataFrame) -> list[str]:
    """What a model reads of each item: title, brand, category, description, the empty ones left out."""
    labelled = [
        pl.col("title"),
        *(
            pl.when(pl.col(name) != "").then(pl.concat_str(pl.lit(f"{name.title()}: "), pl.col(name)))
            for name in ("brand", "category")
        ),
        pl.when(pl.col("description") != "").then(pl.col("description")),
    ]
    return items.select(text=pl.concat_str(labelled, separator="\n", ignore_nulls=True))["text"].to_list()


def prompts(texts: Sequence[str], examples: Sequence[Example], max_text_tokens: int) -> list[Prompt]:
    """One prompt per product text, all with the same beginning: the examples, then the opening."""
    shown = "".join(f"{OPENING}{text}{ANSWER}{_dollars(price)}\n\n\n" for text, price in examples)
    return [Prompt(shown + OPENING, text, ANSWER, max_text_tokens) for text in texts]


def _dollars(price: float) -> str:
    return str(max(1, round(price)))
