"""The adapter that a training on this machine brought: its number, its lineage and what it cost."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from db.types import Adapter, AdapterState, Dataset, Job
from worker.finetune.examples import Examples
from worker.llm.local.weights_hash import base_hash
from worker.specs.finetune import TrainSpec
from worker.training.task_folder import Outcome


def adapter(
    job: Job, dataset: Dataset, spec: TrainSpec, base: Path, examples: Examples, outcome: Outcome, usd: Decimal
) -> Adapter:
    """A candidate; the same weights always get the same number."""
    digest = hashlib.sha256()
    for name, data in sorted(outcome.files.items()):
        digest.update(name.encode() + b"\0" + data)
    return Adapter(
        id=digest.hexdigest(),
        task=str(job.spec["task"]),
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        job_id=job.id,
        model=spec.model,
        base=spec.model,
        base_hash=base_hash(base),
        form=spec.form,
        spec=spec.model_dump(mode="json"),
        fingerprint=examples.fingerprint,
        train_rows=len(examples.train),
        metrics=outcome.metrics | {"step": outcome.step, "stopped": outcome.stopped},
        gate_report=None,
        usd=usd,
        seconds=outcome.seconds,
        state=AdapterState.CANDIDATE,
        size_bytes=sum(map(len, outcome.files.values())),
        created_at=datetime.now(UTC),
    )
