"""How well does a model that was tuned behind an endpoint price validation rows? Asked as it will be asked later."""

import polars as pl

from db.types import PredictionStatus
from worker.evaluation import metrics
from worker.llm.base import Prompt, Readout
from worker.llm.endpoint.model import HostedModel
from worker.progress import Progress
from worker.specs.finetune import TrainSpec


def check(model: str, examples: pl.DataFrame, spec: TrainSpec, progress: Progress) -> dict[str, float | int | None]:
    """mae, median_relative_error and parse_rate over at most spec.evaluate_rows examples. Costs as many calls, which
    are stored: asked again they cost nothing. Raises Pause, Defer, Cancelled."""
    rows = examples.head(spec.evaluate_rows)
    if rows.is_empty():
        return {}
    prompts = [
        Prompt(example["shared"], example["text"], example["ask"], example["system"], example["row"])
        for example in rows.iter_rows(named=True)
    ]
    readout = Readout(max_price=spec.bounds.highest, min_price=spec.bounds.lowest)
    readings = HostedModel(model).price(prompts, readout, progress)
    prices = [reading.statistics.get("median", reading.price) for reading in readings]
    frame = pl.DataFrame({"truth": rows["price"], "price": prices}, schema_overrides={"price": pl.Float64})
    measured = metrics.errors(
        frame.with_columns(status=pl.lit(str(PredictionStatus.OK)))
    ).select(  # null: none was read
        pl.col("absolute").mean().alias("mae"),
        pl.col("relative").median().alias("median_relative_error"),
        pl.col("absolute").is_not_null().mean().alias("parse_rate"),
        pl.len().alias("rows"),
    )
    return dict(measured.row(0, named=True))
