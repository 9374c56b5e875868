"""The nouns every room shares: enums, frozen values and the column schemas of the two frames that travel.

Tables travel as Polars frames, not as lists of objects: 50,000 rows a second through Python objects is not possible
on one core, through columns it is.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import polars as pl


class Family(StrEnum):
    """How a technique gets to a price; the colour on every chart."""

    BASELINE = "baseline"  # learned from the table alone, no language model
    PROMPT = "prompt"  # a language model and a prompt
    RAG = "rag"  # a language model that reads retrieved neighbours
    FINETUNE = "finetune"  # a language model with weights trained on the table
    ENSEMBLE = "ensemble"
    CASCADE = "cascade"


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    UNPRICED = "unpriced"  # no price in the file: what the analyst wants priced


class DatasetState(StrEnum):
    UPLOADED = "uploaded"  # bytes are stored, nobody has looked at them
    INSPECTED = "inspected"  # dialect, preview and a proposed mapping are known; waits for the user
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"  # could not be read; `error` says why


class JobKind(StrEnum):
    INSPECT = "inspect"  # look at an uploaded file
    LOAD = "load"  # turn it into items and rejects
    PRICE = "price"  # fit if needed, price, evaluate


class JobState(StrEnum):
    RUNNING = "running"  # has work to hand out (waiting for a free worker counts)
    PAUSED = "paused"
    DONE = "done"  # every chunk done; single predictions may still be `failed` or `unparsed`
    FAILED = "failed"  # a chunk failed for good; `error` says why; retry is possible
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class ChunkState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"  # leased: somebody works on it, or died doing so
    DONE = "done"
    FAILED = "failed"


class Step(StrEnum):
    """The stages of a job, in order; a stage starts when every chunk of the one before it is done."""

    INSPECT = "inspect"
    LOAD = "load"
    FIT = "fit"
    PRICE = "price"
    EVALUATE = "evaluate"

    @property
    def order(self) -> int:
        return list(Step).index(self)


class PredictionStatus(StrEnum):
    OK = "ok"
    UNPARSED = "unparsed"  # the model answered, but no price can be read from it; price is null, never 0
    FAILED = "failed"  # no answer


class Queue(StrEnum):
    CPU = "cpu"
    GPU = "gpu"
    HOSTED = "hosted"
    CONTROL = "control"  # the sweeper


ITEM_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,  # 0-based position in the dataset; (dataset, row) is the item's identity
    "title": pl.String,  # never null, "" when missing; so are the three below
    "description": pl.String,
    "category": pl.String,
    "brand": pl.String,
    "price": pl.Float64,  # null when the file has none; null too for every item handed to `price()`
}
"""Columns of a frame of items."""

PREDICTION_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,
    "price": pl.Float64,  # null unless status is ok
    "low": pl.Float64,  # a raw 90 % interval where the technique has one, else null
    "high": pl.Float64,
    "status": pl.String,  # PredictionStatus
    "tokens_in": pl.Int64,  # 0 where no language model is involved
    "tokens_out": pl.Int64,
    "seconds": pl.Float64,  # working time of this item; null = the chunk's time is shared out evenly
    "evidence": pl.String,  # JSON object, or null
}
"""Columns of a frame of predictions as a technique returns it: one line per item, in the order of the items."""


def no_items() -> pl.DataFrame:
    return pl.DataFrame(schema=ITEM_SCHEMA)


@dataclass(frozen=True, slots=True)
class Dataset:
    id: int
    name: str
    state: DatasetState
    file_sha256: str
    file_name: str
    is_synthetic: bool
    rows_in: int  # data lines in the file; rows_in == items + rejects once ready
    items: int
    rejects: int
    inspection: dict[str, Any]  # worker.ingest.read.Inspection as JSON; {} before it was looked at
    mapping: dict[str, str]  # field of an item -> column of the file
    profile: dict[str, Any]  # worker.ingest.profile as JSON
    splits: dict[str, int]  # Split -> count
    error: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    id: int
    kind: JobKind
    dataset_id: int
    technique: str  # "" for jobs that price nothing
    spec: dict[str, Any]
    spec_hash: str
    split: Split | None  # which side is priced; None = test and unpriced
    item_limit: int | None  # a sample of that side; None = all of it
    queue: Queue
    state: JobState
    error: str | None
    items_total: int
    fixed_usd: Decimal  # fitting and indexing
    fixed_seconds: float
    rate_usd_per_hour: Decimal  # of the machine kind that works on it
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands, summed from its chunks."""

    job_id: int
    state: JobState
    step: Step | None  # the stage at work; None when final
    items_total: int
    items_done: int
    unparsed: int
    failed: int
    usd: Decimal  # so far, fixed cost included
    rows_per_second: float | None  # over the last minute of work; None before the first chunk
    eta_seconds: float | None
    chunks_total: int
    chunks_done: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A unit of work under a lease. `attempt` is the fencing token: a commit with an old one is refused."""

    id: int
    job_id: int
    step: Step
    rows: list[int]
    attempt: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A dated price of an hour of a machine."""

    name: str  # "cpu-hour", "gpu-hour"
    usd: Decimal
    valid_from: datetime


@dataclass(frozen=True, slots=True)
class Artifact:
    """What fitting produced: named bytes (safetensors, JSON, LightGBM text). Never a pickle."""

    parts: dict[str, bytes] = field(default_factory=dict)
