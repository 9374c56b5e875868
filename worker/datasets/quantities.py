"""Quantities of a dataset's rows: techniques learn the price of one unit, and what is told is the price of the row."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from db import datasets
from db.engine import Session
from db.errors import NotReady, UserError
from db.types import Dataset, PromptVersion
from worker import amounts
from worker.evaluation.neighbours_alone import EVIDENCE

NO_QUANTITY = "no quantity above 0"
"""Why a row without its quantity is a reject, as worker.ingest.item_rules says it."""

_WORDS = {
    "mg": "mg milligram milligrams",
    "g": "g gr gram grams gramm grammes gramme",
    "kg": "kg kilo kilos kilogram kilograms kilogramm kilogramme",
    "t": "tonne tonnes tonnen",
    "oz": "oz ounce ounces",
    "lb": "lb lbs pound pounds pfund",
    "ml": "ml millilitre millilitres milliliter milliliters",
    "cl": "cl centilitre centilitres centiliter centiliters",
    "l": "l litre litres liter liters",
    "gal": "gal gallon gallons",
    "mm": "mm millimetre millimetres millimeter millimeters",
    "cm": "cm centimetre centimetres centimeter centimeters",
    "m": "m metre metres meter meters",
    "ft": "ft foot feet",
    "dozen": "dozen dozens dutzend",
    "hour": "hour hours hrs stunde stunden",
}
_UNITS = {word: unit for unit, words in _WORDS.items() for word in words.split()}

_PRICES = ("price", "low", "high", "truth")
ASKED, ASKED_PER_UNIT = "Price: $", "Price per unit: $"
"""What a prompt says before a price, and what it says where prices are of one unit."""


def check(session: Session, source: Dataset, table: Dataset) -> None:
    """Check that what is learned from a source can be said of a table. Raises NotReady where the source's prices are of
    one unit and the table has no quantities to multiply them with, UserError where those are of another unit."""
    if source.id != table.id and datasets.is_per_unit(session, source) and not datasets.is_per_unit(session, table):
        raise NotReady(
            f"{source.name} has prices per unit of {_column(source)}, and {table.name} "
            "has no column of quantities; map one when you load it, or learn from another dataset."
        )
    if source.id != table.id and datasets.is_per_unit(session, source):
        _check_units([source, table])


def check_alike(session: Session, parts: Sequence[Dataset]) -> None:
    """Check that prices of several datasets can be learned together: all of whole rows, or all of the same unit. Raises
    UserError."""
    per_unit = [datasets.is_per_unit(session, part) for part in parts]
    if any(per_unit) and not all(per_unit):
        having, lacking = parts[per_unit.index(True)], parts[per_unit.index(False)]
        raise UserError(
            f"{having.name} has prices per unit of {_column(having)} and {lacking.name} has prices of whole rows: load "
            "one of them anew, so that both have a column of quantities or neither has."
        )
    if all(per_unit):
        _check_units(parts)


def unit_of(dataset: Dataset) -> str:
    """The unit that the header of a dataset's quantities names ("kg", "l"); "" = none, as of packs and pieces, and of a
    dataset that was joined."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", dataset.mapping.get("quantity", "")))
    return next((_UNITS[word.casefold()] for word in words if word.casefold() in _UNITS), "")


def _check_units(parts: Sequence[Dataset]) -> None:
    named = {unit_of(part): part for part in parts if not part.joined_from}
    if len(named) > 1:
        first, second = list(named.values())[:2]
        raise UserError(
            f"{first.name} has prices per unit of {_column(first)} and {second.name} per unit of {_column(second)}, "
            "which is another unit: bring the quantities of one into the unit of the other, with a header that says so."
        )


def _column(dataset: Dataset) -> str:
    return dataset.mapping.get("quantity", "a quantity")


def of_rows(session: Session, dataset_id: int, rows: Sequence[int]) -> npt.NDArray[np.float64]:
    """(n,) the quantity of each of these rows; 1 where it has none: what an error per unit is times to be one of the
    row, as all that is told of a dataset."""
    known = datasets.quantities(session, dataset_id, rows)
    wanted = pl.DataFrame({"row": rows}, schema={"row": pl.Int64})
    return wanted.join(known, on="row", how="left", maintain_order="left")["quantity"].fill_null(1.0).to_numpy()


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
    return (
        f"Techniques learn the price per unit of {name}; prices and errors that you see are of the whole row, but "
        f"those that a training shows while it learns are of one unit.{gone}"
    )
