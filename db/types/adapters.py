"""Trainings and the adapters that they bring."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class AdapterState(StrEnum):
    CANDIDATE = "candidate"  # trained, nobody relies on it
    PRODUCTION = "production"  # the one that a task uses; a task has at most one
    RETIRED = "retired"  # was in production, or was given up; can come back


@dataclass(frozen=True, slots=True)
class Adapter:
    """Weights that a fine-tune added to a base model, with where they come from. Never changed, only its state is."""

    id: str  # sha256 of its files: the same weights are the same adapter
    task: str  # what it is for, in a word or two; one adapter per task is in production
    dataset_id: int | None  # None: the dataset was deleted
    dataset_name: str
    job_id: int | None
    model: str  # what to ask: the base model, or "endpoint:model" of a model that was tuned behind an endpoint
    base: str  # name of the base model
    base_hash: str  # of the base's weights: an adapter works on no others; "" for one behind an endpoint
    form: str  # tokens | quantiles
    spec: dict[str, Any]  # worker.specs.finetune.TrainSpec, with its prompt pinned
    fingerprint: str  # of the dataset, its split and the rows that were trained on
    train_rows: int
    metrics: dict[str, Any]  # of the best checkpoint, on validation rows
    gate_report: dict[str, Any] | None  # worker.evaluation.gate.Report as JSON; None: not measured yet
    usd: Decimal  # what training took
    seconds: float
    state: AdapterState
    size_bytes: int
    created_at: datetime
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it

    @property
    def uses_endpoint(self) -> bool:
        return not self.base_hash


@dataclass(frozen=True, slots=True)
class AdapterChange:
    """Who moved an adapter, from where to where, and why."""

    adapter_id: str
    task: str
    before: AdapterState
    after: AdapterState
    who: str
    why: str
    overrides: str  # the sentence of the gate that was overridden; "" = the gate did not object
    at: datetime


@dataclass(frozen=True, slots=True)
class TrainingPoint:
    """One thing that happened during a training."""

    step: int  # of the optimiser
    kind: str  # step: loss, grad_norm, learning_rate, ...; eval: mae, ...; note: {"text": a line of the log}
    values: dict[str, Any]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a training can go on from: named bytes (safetensors, JSON). Never a pickle."""

    step: int
    parts: dict[str, bytes]
