"""What is registered when a tuning behind an endpoint brought a model? A name, its lineage, and the day it ends."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from db import endpoints
from db.engine import begin
from db.errors import UserError
from db.types import Adapter, AdapterState, Dataset, Endpoint, Job, TrainingPoint
from worker.endpoints import probe, tuning
from worker.endpoints.tuning import Status
from worker.finetune.endpoint.state import Remote
from worker.specs.finetune import TrainSpec


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
    model = f"{endpoint.name}:{status.model}"
    name = f"{endpoint.base_url.rstrip('/')}:{model}"  # nobody sees its weights: its name stands for them
    return Adapter(
        id=hashlib.sha256(name.encode()).hexdigest(),
        task=str(job.spec["task"]),
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        job_id=job.id,
        model=model,
        base=spec.model.partition(":")[2],
        base_hash="",
        form="tokens",
        spec=spec.model_dump(mode="json"),
        fingerprint=remote.fingerprint,
        train_rows=remote.train_rows,
        metrics=metrics,
        forgetting=None,
        usd=usd,
        seconds=status.seconds,
        state=AdapterState.CANDIDATE,
        size_bytes=0,
        created_at=datetime.now(UTC),
    )
