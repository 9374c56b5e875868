"""The model that a tuning behind an endpoint brought: how well it prices, the day it ends, and what is registered."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from db import endpoints, rates
from db.engine import begin
from db.errors import UserError
from db.types import Adapter, AdapterState, Dataset, Endpoint, Job, PredictionStatus, TrainingPoint
from worker.endpoints import probe, tuning
from worker.endpoints.tuning import Status
from worker.evaluation import metrics as evaluation_metrics
from worker.finetune.endpoint.state import Remote
from worker.llm.base import Prompt, Readout
from worker.llm.endpoint.model import PaidModel
from worker.progress import Progress
from worker.specs.finetune import TrainSpec


def measure(model: str, examples: pl.DataFrame, spec: TrainSpec, progress: Progress) -> dict[str, float | int | None]:
    """mae, median_relative_error, parse_rate and rows over at most spec.evaluate_rows examples, asked as they will be
    asked later. Costs as many calls, which are stored: asked again they cost nothing. Raises Pause, Defer, Cancelled.
    """
    rows = examples.head(spec.evaluate_rows)
    if rows.is_empty():
        return {}
    prompts = [
        Prompt(example["shared"], example["text"], example["ask"], example["system"], example["row"])
        for example in rows.iter_rows(named=True)
    ]
    readout = Readout(bounds=spec.bounds)
    readings = PaidModel(model).price(prompts, readout, progress)
    prices = [reading.statistics.get("median", reading.price) for reading in readings]
    frame = pl.DataFrame({"truth": rows["price"], "price": prices}, schema_overrides={"price": pl.Float64})
    measured = evaluation_metrics.errors(
        frame.with_columns(status=pl.lit(str(PredictionStatus.OK)))
    ).select(  # null: none was read
        pl.col("absolute").mean().alias("mae"),
        pl.col("relative").median().alias("median_relative_error"),
        pl.col("absolute").is_not_null().mean().alias("parse_rate"),
        pl.len().alias("rows"),
    )
    return dict(measured.row(0, named=True))


def cost(status: Status, per_million: Decimal | None) -> tuple[Decimal, bool]:
    """Dollars that the training cost, and whether that is known; else 0."""
    is_known = per_million is not None and (status.trained_tokens is not None or not per_million)
    return rates.of_training(status.trained_tokens or 0, per_million or Decimal(0)), is_known


def last_day(endpoint: Endpoint, base: str, tuned: str) -> str | None:
    """When the tuned model ends, with its base at the latest; notes that there is a new model, too."""
    try:
        listed = probe.models(endpoint)
    except UserError:
        return endpoint.model(base).shutdown_date
    with begin() as session:
        endpoint = endpoints.set_models(session, endpoint.name, listed)
    return tuning.last_day(endpoint, tuned, base)


def metrics(
    curve: Sequence[TrainingPoint], measured: Mapping[str, Any], status: Status, *, is_known: bool, ends: str | None
) -> dict[str, Any]:
    """loss (validation) and train_loss as the endpoint told them last, what was measured on validation rows,
    trained_tokens, cost_unknown, shutdown_date."""
    last = {point.kind: point.values for point in curve}
    losses = {"train_loss": last.get("step", {}).get("loss"), "loss": last.get("eval", {}).get("loss")}
    return {
        **{name: loss for name, loss in losses.items() if loss is not None},
        **measured,
        "trained_tokens": status.trained_tokens,
        "cost_unknown": not is_known,
        "shutdown_date": ends,
    }


def adapter(
    job: Job, dataset: Dataset, endpoint: Endpoint, spec: TrainSpec, remote: Remote, status: Status,
    metrics: dict[str, Any], usd: Decimal,
) -> Adapter:  # fmt: skip
    """A candidate without files. Nobody sees its weights: its name at its address stands for them."""
    model = f"{endpoint.name}:{status.model}"
    name = f"{endpoint.base_url.rstrip('/')}:{model}"
    return Adapter(
        id=hashlib.sha256(name.encode()).hexdigest(),
        task=str(job.spec["task"]),
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        job_id=job.id,
        model=model,
        base=spec.model.partition(":")[2],
        base_hash="",
        form=spec.form,
        spec=spec.model_dump(mode="json"),
        fingerprint=remote.fingerprint,
        train_rows=remote.train_rows,
        metrics=metrics,
        gate_report=None,
        usd=usd,
        seconds=status.seconds,
        state=AdapterState.CANDIDATE,
        size_bytes=0,
        created_at=datetime.now(UTC),
    )
