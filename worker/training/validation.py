"""The errors of an adapter so far: validation rows are priced as the technique will price them, not teacher-forced."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from worker.evaluation.resampling import Floats
from worker.llm.base import Prompt, Readout
from worker.llm.local.model import LocalModel
from worker.progress import Silent
from worker.specs.finetune import TrainSpec

READ_TEXTS = 32  # rows whose price is also read from the model's own words: does it still speak in prices?


@dataclass(frozen=True)
class Measured:
    """Errors on the rows that were priced."""

    metrics: dict[str, Any]
    predicted: pl.DataFrame  # row, price, truth


def prompts(examples: pl.DataFrame) -> list[Prompt]:
    """From a frame of examples (worker.finetune.examples.EXAMPLE_SCHEMA)."""
    return [
        Prompt(shared=shared, text=text, ask=ask, system=system, row=row)
        for row, system, shared, text, ask in examples.select("row", "system", "shared", "text", "ask").iter_rows()
    ]


def measure(model: LocalModel, examples: pl.DataFrame, spec: TrainSpec) -> Measured:
    """Price the examples with the adapted model and compare."""
    questions = prompts(examples)
    price = prices(model, questions, spec)
    truth = examples["price"].to_numpy()
    good = np.isfinite(price)
    error = np.abs(price - truth)[good]
    metrics: dict[str, Any] = {
        "rows": len(truth),
        # The head of quantiles has no words.
        "parse_rate": share_in_words(model, questions, spec) if spec.says.in_words else float(good.mean()),
        "mae": float(error.mean()) if good.any() else None,
        "median_relative_error": float(np.median(error / truth[good])) if good.any() else None,
    }
    predicted = pl.DataFrame({"row": examples["row"], "price": price, "truth": truth}).with_columns(
        pl.col("price").fill_nan(None)
    )
    return Measured(metrics, predicted)


def prices(model: LocalModel, questions: list[Prompt], spec: TrainSpec) -> Floats:
    """(n,) dollars, the median of what the model holds for likely; NaN where it says nothing."""
    readout = Readout(bounds=spec.bounds)
    readings = model.price(questions, readout, Silent())
    return np.array([reading.statistics.get("median", np.nan) for reading in readings], dtype=np.float64)


def share_in_words(model: LocalModel, questions: list[Prompt], spec: TrainSpec) -> float:
    """The share of the first READ_TEXTS prompts that the model's own words answer with a price."""
    words = model.price(questions[:READ_TEXTS], Readout(greedy=True, bounds=spec.bounds), Silent())
    return float(np.mean([reading.price is not None for reading in words]))
