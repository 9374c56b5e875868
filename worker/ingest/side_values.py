"""The side that a cell of a column of sides names: train, validation or test."""

from collections.abc import Iterable

import polars as pl

from db.types import Split
from worker.ingest import prices
from worker.ingest.column_synonyms import plain

_WORDS = {
    Split.TRAIN: "train, training, trn, learn, learning, fit, in sample, entrenamiento, entrainement, addestramento",
    Split.VALIDATION: (
        "val, valid, validation, validate, validating, dev, development, tune, tuning, calibration, eval dev, "
        "validierung, validacion, convalida"
    ),
    Split.TEST: (
        "test, testing, tst, holdout, hold out, held out, heldout, eval, evaluation, evaluate, out of sample, oos, "
        "out of time, oot, blind, unseen, prueba"
    ),
}
_SIDES = {plain(word): str(side) for side, words in _WORDS.items() for word in words.split(", ")}
_AROUND = {"set", "split", "data", "dataset", "side", "rows", "row", "items", "sample", "the"}


def side_of(cell: str) -> str | None:
    """The side that a cell names, in any case and with words like "set" around it; None where it names none.

    Numbers name none: whether fold 0 is for training or for testing only its maker knows.
    """
    words = plain(cell)
    if words in _SIDES:
        return _SIDES[words]
    return _SIDES.get(" ".join(word for word in words.split() if word not in _AROUND))


def column(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    """(String sides, null = none; String reasons, null = fine), both as long as `cells` (strings, not null)."""
    text = cells.str.strip_chars()
    values = text.unique()
    read = [side_of(value) for value in values]
    whys = [None if side else _why(value) for value, side in zip(values, read, strict=True)]
    table = pl.DataFrame(
        {"text": values, "side": read, "why": whys}, schema={"text": pl.String, "side": pl.String, "why": pl.String}
    )
    joined = pl.DataFrame({"text": text}).join(table, on="text", how="left", maintain_order="left")
    return joined["side"], joined["why"].alias("reason")


def _why(cell: str) -> str:
    if cell.casefold() in prices.MISSING:
        return "side is missing"
    shown = cell if len(cell) <= 60 else cell[:60] + "…"
    return f"side '{shown}' names neither train, validation nor test"


def share_of_sides(cells: Iterable[str]) -> tuple[float, int]:
    """How many of the cells that hold anything name a side, as a share; and how many different sides they name."""
    filled = [cell for cell in cells if cell.strip().casefold() not in prices.MISSING]
    sides = [side for cell in filled if (side := side_of(cell))]
    return len(sides) / max(1, len(filled)), len(set(sides))
