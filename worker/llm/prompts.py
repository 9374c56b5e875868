"""How is a model asked for a price? The same words before and after every product, the product itself as data."""

from collections.abc import Sequence

import polars as pl

from worker.llm.base import PriceModel, Prompt

QUESTION = "How much does this product cost in US dollars, to the nearest dollar?"
ANSWER = "Price is $"
# Stands for the product while a chat template is filled in; it can't be part of a template.
PLACE = "\u2063product\u2063"

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


def frame(model: PriceModel, examples: Sequence[Example]) -> tuple[str, str]:
    """What stands before and after the product. Examples first, so that all items share them.

    A model that chats gets examples as earlier turns of the conversation, any other as paragraphs of one text.
    """
    if not model.chats:
        shown = "".join(f"{QUESTION}\n\n{text}\n\n{ANSWER}{_dollars(price)}\n\n\n" for text, price in examples)
        return f"{shown}{QUESTION}\n\n", f"\n\n{ANSWER}"
    turns = []
    for text, price in [*examples, (PLACE, None)]:
        turns.append({"role": "user", "content": f"{QUESTION}\n\n{text}"})
        if price is not None:
            turns.append({"role": "assistant", "content": f"{ANSWER}{_dollars(price)}"})
    before, after = model.as_chat(turns).split(PLACE)
    return before, after + ANSWER


def prompts(model: PriceModel, texts: Sequence[str], examples: Sequence[Example], max_text_tokens: int) -> list[Prompt]:
    """One prompt per product text, all with the same beginning."""
    before, after = frame(model, examples)
    return [Prompt(before, text, after, max_text_tokens) for text in texts]


def _dollars(price: float) -> str:
    return str(max(1, round(price)))
