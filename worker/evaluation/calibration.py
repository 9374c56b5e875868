"""The calibration rows of a fit: which validation rows they are, and how their prices are kept with what was learned.

A calibration row is a validation row that the technique's fit did not look at and that the fitted technique priced.
What it got wrong there says how wide an interval must be (worker/evaluation/conformal.py), what it adds to others
(an ensemble's weights), and which rows it had better leave to a person.
"""

import io

import numpy as np
import polars as pl

from worker.specs import BaseSpec

PART = "calibration.parquet"
"""The part of an artifact that holds them."""

SCHEMA: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "truth": pl.Float64(),  # $, never null
    "price": pl.Float64(),  # $, null where none was read
    "low": pl.Float64(),  # $, the technique's own interval, before it is calibrated; null where it has none
    "high": pl.Float64(),
    "status": pl.String(),  # db.types.PredictionStatus
    "usd": pl.Float64(),  # what pricing the row anew would cost; null: unknown
    "seconds": pl.Float64(),
}

FEWEST = 20
"""Calibration rows below which nothing is calibrated: a fit then prices none."""

_SEED = 20261126


def count(spec: BaseSpec, validation: int) -> int:
    """How many of so many validation rows with a price a fit calibrates on; 0 where FEWEST can't be reached.

    A fit that looks at validation rows itself leaves half of them: a technique's own choices fit the rows that it
    chose by, and intervals from those would be too narrow.
    """
    free = validation // 2 if spec.judges else validation
    drawn = min(free, spec.calibration_rows)
    return drawn if drawn >= FEWEST else 0


def divide(spec: BaseSpec, validation: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The validation rows that the fit may look at, and those that it is calibrated on; both in row order.

    `validation` is ITEM_SCHEMA with group_id, of near-duplicates: no row of a calibration row's group is among the
    first. Of two specs on one dataset, the calibration rows of the one with fewer are part of the other's.
    """
    priced = validation.filter(pl.col("price") > 0).sort("row")
    drawn = np.random.default_rng(_SEED).permutation(len(priced))[: count(spec, len(priced))]
    calibrating = priced[np.sort(drawn)]
    free = validation.filter(~pl.col("group_id").is_in(calibrating["group_id"].implode()))
    return free.drop("group_id"), calibrating.drop("group_id")


def to_bytes(truth: pl.Series, priced: pl.DataFrame) -> bytes:
    """The part of the artifact: `priced` is PREDICTION_SCHEMA of the calibration rows, with what each cost in usd and
    seconds, `truth` their prices ($) in the same order."""
    frame = priced.with_columns(truth=truth, usd=pl.col("usd") + pl.col("saved_usd"))
    buffer = io.BytesIO()
    frame.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).write_parquet(buffer)
    return buffer.getvalue()


def read(part: bytes | None) -> pl.DataFrame:
    """SCHEMA of the calibration rows that were kept with a fit, in row order; empty where it has none."""
    return pl.read_parquet(io.BytesIO(part)) if part is not None else pl.DataFrame(schema=SCHEMA)
