"""How wrong is the adapter now? Validation rows are priced as the technique will price them, not teacher-forced."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from worker.llm.base import Prompt, Readout
from worker.llm.local import LocalModel
from worker.progress import Silent
from worker.train_specs import TrainSpec

READ_TEXTS = 32  # rows whose price is also read from the model's own words: does it still speak in prices?


@dataclass(frozen=True)
class Measured:
    """Errors on the rows that were priced."""

    metrics: dict[str, Any]
    predicted: pl.DataFrame  # row, price, truth


def prompts(examples: pl.DataFrame) -> list[Prompt]:
    """From a frame of examples (worker.training.examples.EXAMPLE_SCHEMA)."""
    return [
        Prompt(shared=shared, text=text, ask=ask, system=system, row=row)
        for row, system, shared, text, ask in examples.select("row", "system", "shared", "text", "ask").iter_rows()
    ]


def measure(model: LocalModel, examples: pl.DataFrame, spec: TrainSpec) -> Measured:
    """Price the examples with the adapted model and compare."""
    asked = prompts(examples)
    readout = Readout(max_price=spec.max_price, min_price=spec.min_price)
    readings = model.price(asked, readout, Silent())
    price = np.array([reading.statistics.get("median", np.nan) for reading in readings], dtype=np.float64)
    truth = examples["price"].to_numpy()
    good = np.isfinite(price)
    error = np.abs(price - truth)[good]
    metrics: dict[str, Any] = {
        "rows": len(truth),
        "parse_rate": float(_parse_rate(model, asked, good, spec)),
        "mae": float(error.mean()) if good.any() else None,
        "median_relative_error": float(np.median(error / truth[good])) if good.any() else None,
    }
    predicted = pl.DataFrame({"row": examples["row"], "price": price, "truth": truth}).with_columns(
        pl.col("price").fill_nan(None)
    )
    return Measured(metrics, predicted)


def _parse_rate(model: LocalModel, asked: list[Prompt], good: np.ndarray, spec: TrainSpec) -> float:
    """Share of rows with a price; where the model speaks in words, of those whose words are a price."""
    if spec.form == "quantiles":
        return float(good.mean())
    words = model.price(asked[:READ_TEXTS], Readout(greedy=True, max_price=spec.max_price), Silent())
    return float(np.mean([reading.price is not None for reading in words]))
