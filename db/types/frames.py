"""The columns of the frames that travel, and what their values mean.

Tables travel as Polars frames, not as lists of objects: 50,000 rows a second through Python objects is not possible
on one core, through columns it is.
"""

from enum import StrEnum

import polars as pl


class Family(StrEnum):
    """How a technique gets to a price; the colour on every chart."""

    BASELINE = "baseline"  # learned from the table alone, no language model
    PROMPT = "prompt"  # a language model and a prompt
    RAG = "rag"  # a language model that reads retrieved neighbours
    FINETUNE = "finetune"  # a language model with weights trained on the table
    ENSEMBLE = "ensemble"
    CASCADE = "cascade"


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    UNPRICED = "unpriced"  # no price in the file: what the analyst wants priced


class PredictionStatus(StrEnum):
    OK = "ok"
    UNPARSED = "unparsed"  # the model answered, but no price can be read from it; price is null, never 0
    FAILED = "failed"  # no answer


ITEM_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,  # 0-based position in the dataset; (dataset, row) is the item's identity
    "title": pl.String,  # never null, "" when missing; so are the three below
    "description": pl.String,
    "category": pl.String,
    "brand": pl.String,
    "price": pl.Float64,  # null when the file has none; null too for every item handed to `price()`
}
"""Columns of a frame of items."""

PREDICTION_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,
    "price": pl.Float64,  # null unless status is ok
    "low": pl.Float64,  # a raw 90 % interval where the technique has one, else null
    "high": pl.Float64,
    "status": pl.String,  # PredictionStatus
    "tokens_in": pl.Int64,  # 0 where no language model is involved
    "tokens_out": pl.Int64,
    "tokens_cached": pl.Int64,  # of tokens_in, those billed at the cached tariff
    "seconds": pl.Float64,  # working time of this item; null = the chunk's time is shared out evenly
    "usd": pl.Float64,  # null = the item's seconds at the machine's rate; NaN = paid, but the price is unknown
    "saved_usd": pl.Float64,  # what stored answers would have cost anew
    "evidence": pl.String,  # JSON object, or null
}
"""Columns of a frame of predictions as a technique returns it: one line per item, in the order of the items."""

FOUND_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,  # of the asking item
    "neighbour": pl.String,  # key of the known item: its own id, or "row:N"
    "similarity": pl.Float64,  # cosine
    "price": pl.Float64,
    "title": pl.String,
    "description": pl.String,
    "category": pl.String,
    "brand": pl.String,
    "age_days": pl.Float64,  # of the price
}
"""Columns of a frame of neighbours: best first within an asking item, texts never null."""
