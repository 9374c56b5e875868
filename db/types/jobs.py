"""Work: jobs, the chunks and steps that they are made of, where and in which order these are done."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

from db.types.frames import Split


class JobKind(StrEnum):
    INSPECT = "inspect"  # look at an uploaded file
    LOAD = "load"  # turn it into items and rejects
    PRICE = "price"  # fit if needed, price, evaluate
    INDEX = "index"  # bring a knowledge base up to date
    SEARCH = "search"  # what a knowledge base finds for a text; the answer is the job's result
    PILOT = "pilot"  # measure what a fine-tune would take; the answer is the job's result
    FINETUNE = "finetune"  # train an adapter, measure it, see what it forgot
    GATE = "gate"  # measure an adapter again: what it forgot
    DATA_NEED = "data-need"  # train on growing parts of a dataset; would more rows pay?
    VERDICT_CHECK = "verdict-check"  # simulate comparisons: how often would one name a false loser?
    RACE = "race"  # let pricing jobs price the same rows in blocks until it is clear which technique is best
    LEAKAGE = "leakage"  # look for test rows whose answer a technique could have seen
    PRICE_CHECK = "price-check"  # look for known prices that can't be right
    RECHECK = "recheck"  # look whether saved verdicts still hold
    TRUTH = "truth"  # set a batch beside the real prices that came later
    COMPARE = "compare"  # make the comparisons of many predictions that a page would have to wait for
    REFIT = "refit"  # let a technique learn from parts of the known rows and price the others

    @property
    def reads_file(self) -> bool:
        """Whether the state of the dataset hangs on the job: it looks at the dataset's file or loads it."""
        return self in (JobKind.INSPECT, JobKind.LOAD)


class JobState(StrEnum):
    RUNNING = "running"  # has work to hand out (waiting for a free worker counts)
    PAUSED = "paused"
    DONE = "done"  # every chunk done; single predictions may still be `failed` or `unparsed`
    FAILED = "failed"  # a chunk failed for good; `error` says why; retry is possible
    CANCELLED = "cancelled"
    STOPPED = "stopped"  # a race needs no more of it; `error` says why, what it priced is kept, and it can go on

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.STOPPED)


class Step(StrEnum):
    """The stages of a job, in order; a stage starts when every chunk of the one before it is done."""

    INSPECT = "inspect"
    LOAD = "load"
    SEARCH = "search"
    INDEX = "index"
    PILOT = "pilot"
    TRAIN = "train"  # on this machine
    TUNE = "tune"  # a training behind an endpoint
    GATE = "gate"
    RUNG = "rung"
    FORECAST = "forecast"
    FIT = "fit"
    PRICE = "price"
    EVALUATE = "evaluate"
    SIMULATE = "simulate"
    RACE = "race"  # a block of rows, once all that are still in have priced it
    LEAKAGE = "leakage"  # alone in its job, as are the next: so they may stand behind the others
    PRICE_CHECK = "price-check"
    RECHECK = "recheck"
    COMPARE = "compare"  # alone, too
    TRUTH = "truth"  # alone, too
    REFIT = "refit"  # alone, too

    @property
    def order(self) -> int:
        return list(Step).index(self)


class Priority(IntEnum):
    """Which jobs go before others on their queue, even if they take longer (up to ten times: db/turns.py)."""

    BASELINE = 0  # what every other technique has to beat
    USUAL = 1
    DEMO = 2  # of a baseline there as well: nobody waits for it


class Queue(StrEnum):
    CPU = "cpu"
    GPU = "gpu"
    ENDPOINT = "endpoint"
    INTERACTIVE = "interactive"  # what somebody waits for at a page: a file is looked at, loaded, a base is searched
    CONTROL = "control"  # the sweeper, and what only decides


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
    fixed_usd: Decimal  # fitting and indexing; what is known of it
    fixed_seconds: float
    rate_usd_per_hour: Decimal  # of the machine kind that works on it
    cap_usd: Decimal | None  # paid calls never cost more than this; None = no cap
    spent_usd: Decimal  # paid to endpoints so far, as it happens
    created_at: datetime
    finished_at: datetime | None
    lost_usd: Decimal = Decimal(0)  # part of spent_usd: the most that calls may have cost which brought no answer
    race_id: int | None = None  # the race that releases its rows; None = nobody holds them back
    fixed_unknown: bool = False  # nobody knows what part of its fixed cost was
    source_id: int | None = None  # the other dataset that its technique learned from; None = the table's own train side
    source_fingerprint: str = ""  # of that dataset, as it was (db.datasets.fingerprint)
    source_name: str = ""
    name: str = ""  # that a person gave it; "": it is called by what it does
    description: str = ""
    archived_at: datetime | None = None  # None: it is offered in lists
    fit_key: str = ""  # of a job that prices: its spec with the form that its technique had; "" = nobody kept it
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it

    @property
    def learned_from(self) -> int:
        """The dataset that its technique learned from."""
        return self.dataset_id if self.source_id is None else self.source_id

    @property
    def sides(self) -> list[Split]:
        """The sides whose rows it prices. What learned elsewhere has seen none of them, and prices all."""
        if self.split:
            return [self.split]
        return [Split.TEST, Split.UNPRICED] if self.source_id is None else list(Split)

    def named(self, technique: str) -> str:
        """The name of its technique with where that learned, unless it did in the table itself."""
        if self.source_id is None:
            return technique
        return f"{technique}, learned from {self.source_name} (dataset {self.source_id})"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A unit of work under a lease. `attempt` is the fencing token: a commit with an old one is refused."""

    id: int
    job_id: int
    step: Step
    rows: list[int]
    attempt: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """What fitting produced: named bytes (safetensors, JSON, LightGBM text). Never a pickle."""

    parts: dict[str, bytes] = field(default_factory=dict)
