"""Quantities of a dataset's rows: techniques learn the price of one unit, and what is told is the price of the row."""

import json
from dataclasses import replace

import polars as pl

from db import datasets
from db.engine import Session
from db.errors import NotReady
from db.types import Dataset, PromptVersion
from worker import amounts
from worker.evaluation.neighbours_alone import EVIDENCE

NO_QUANTITY = "no quantity above 0"
"""Why a row without its quantity is a reject, as worker.ingest.item_rules says it."""

_PRICES = ("price", "low", "high", "truth")
ASKED, ASKED_PER_UNIT = "Price: $", "Price per unit: $"
"""What a prompt says before a price, and what it says where prices are of one unit."""


def check(session: Session, source: Dataset, table: Dataset) -> None:
    """Check that what is learned from a source can be said of a table. Raises NotReady where the source's prices are of
    one unit and the table has no quantities to multiply them with."""
    if source.id != table.id and datasets.is_per_unit(session, source) and not datasets.is_per_unit(session, table):
        raise NotReady(
            f"{source.name} has prices per unit of {source.mapping.get('quantity', 'a quantity')}, and {table.name} "
            "has no column of quantities; map one when you load it, or learn from another dataset."
        )


def to_rows(session: Session, source: Dataset, table_id: int, predicted: pl.DataFrame) -> pl.DataFrame:
    """Predictions of one unit of a table's rows as prices of the rows; as they are where the source has no
    quantities. Evidence keeps the prices that a model saw and said, of one unit, and tells the quantity."""
    return _times(session, source, table_id, predicted, pl.col("quantity"), tells=True)


def to_units(session: Session, source: Dataset, table_id: int, predicted: pl.DataFrame) -> pl.DataFrame:
    """The reverse of `to_rows`: of answers that are stored, for techniques that learn from them."""
    return _times(session, source, table_id, predicted, 1 / pl.col("quantity"))


def _times(
    session: Session, source: Dataset, table_id: int, predicted: pl.DataFrame, factor: pl.Expr, *, tells: bool = False
) -> pl.DataFrame:
    if predicted.is_empty() or not datasets.is_per_unit(session, source):
        return predicted
    known = datasets.quantities(session, table_id, predicted["row"].to_list())
    joined = predicted.join(known, on="row", how="left", maintain_order="left")
    if tells and "evidence" in joined.columns:
        pairs = joined.select("evidence", "quantity").iter_rows()
        joined = joined.with_columns(evidence=pl.Series([_with_quantity(*pair) for pair in pairs], dtype=pl.String))
    prices = [name for name in _PRICES if name in predicted.columns]
    return joined.with_columns(pl.col(name) * factor for name in prices).select(predicted.columns)


def _with_quantity(evidence: str | None, quantity: float) -> str | None:
    if evidence is None:
        return None
    kept = json.loads(evidence) | {"quantity": quantity}
    if kept.get(EVIDENCE) is not None:
        kept[EVIDENCE] *= quantity  # set beside the price of the row
    return json.dumps(kept, ensure_ascii=False)


def worded(session: Session, prompt: PromptVersion, dataset: Dataset) -> PromptVersion:
    """The prompt, asking for the price of one unit where a dataset's prices are; others as they are."""
    if not datasets.is_per_unit(session, dataset):
        return prompt
    return replace(prompt, template=prompt.template.replace(ASKED, ASKED_PER_UNIT))


def told(dataset: Dataset) -> str:
    """A sentence about the quantities that prices are divided by; "" where no column holds any."""
    name = dataset.mapping.get("quantity", "")
    if not name:
        return ""
    without = dataset.profile.get("reasons", {}).get(NO_QUANTITY, 0)
    gone = f" {amounts.count(without, 'row')} without one became rejects." if without else ""
    return f"Techniques learn the price per unit of {name}; prices and errors that you see are of the whole row.{gone}"
