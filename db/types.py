"""The nouns every room shares: enums, frozen values and the column schemas of the two frames that travel.

Tables travel as Polars frames, not as lists of objects: 50,000 rows a second through Python objects is not possible
on one core, through columns it is.
"""

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
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


class PredictionStatus(StrEnum):
    OK = "ok"
    UNPARSED = "unparsed"  # the model answered, but no price can be read from it; price is null, never 0
    FAILED = "failed"  # no answer


class Queue(StrEnum):
    CPU = "cpu"
    GPU = "gpu"
    ENDPOINT = "endpoint"
    INTERACTIVE = "interactive"  # what somebody waits for at a page: a file is looked at, loaded, a base is searched
    CONTROL = "control"  # the sweeper, and what only decides


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
    "tokens_cached": pl.Int64,  # of tokens_in, those billed at the cached tariff
    "seconds": pl.Float64,  # working time of this item; null = the chunk's time is shared out evenly
    "usd": pl.Float64,  # null = the item's seconds at the machine's rate; NaN = paid, but the price is unknown
    "saved_usd": pl.Float64,  # what stored answers would have cost anew
    "evidence": pl.String,  # JSON object, or null
}
"""Columns of a frame of predictions as a technique returns it: one line per item, in the order of the items."""


FOUND_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,  # of the asking item
    "neighbour": pl.String,  # key of the known item: its own id, or "row:N"
    "similarity": pl.Float64,  # cosine
    "price": pl.Float64,
    "title": pl.String,
    "description": pl.String,
    "category": pl.String,
    "brand": pl.String,
    "age_days": pl.Float64,  # of the price
}
"""Columns of a frame of neighbours: best first within an asking item, texts never null."""


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """Which known items may be an asking item's neighbours; without any limit: all but itself."""

    same_category: bool = False  # only those of the asking item's category
    min_similarity: float = 0.0  # a cosine; 0 = no bound
    newer_than_days: int = 0  # only prices of the last days; 0 = any
    apart: bool = False  # none of the asking item's near-duplicates


NO_LIMITS = SearchLimits()


class MadeBy(StrEnum):
    """How a version of a dataset came to be."""

    DECISIONS = "decisions"  # about its prices: the rows, their numbers and the test side are those of the parent
    FILE = "file"  # another upload, whose rows are numbered and divided anew


@dataclass(frozen=True, slots=True)
class Changes:
    """What a version has that the dataset it was made from has not, in rows."""

    added: int
    removed: int
    repriced: int
    by_id: bool  # products were told by an id of her own; else by title and description


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
    profile: dict[str, Any]  # worker.datasets.profile as JSON
    splits: dict[str, int]  # Split -> count
    error: str | None
    created_at: datetime
    made_from: int | None = None  # the dataset that this one is a version of; None: of none that is still there
    made_by: MadeBy | None = None  # of a version
    changes: Changes | None = None  # since the dataset that it was made from; None: nobody counted them
    description: str = ""
    archived_at: datetime | None = None  # None: it is offered in lists
    currency: str = ""  # ISO 4217 code of its prices; "" = nobody said which
    joined_from: tuple[int, ...] = ()  # the datasets whose items this one holds together; () = it was loaded


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
class PromptVersion:
    """A prompt as it was at one time. Never changed: another wording is another version."""

    name: str
    version: int
    system: str  # sent as it is
    template: str  # Jinja2
    note: str = ""
    created_at: datetime | None = None  # None: comes with Pricewright
    archived_at: datetime | None = None  # None: it is offered in lists

    @property
    def ref(self) -> str:
        """What a run records: "listing@1"."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Artifact:
    """What fitting produced: named bytes (safetensors, JSON, LightGBM text). Never a pickle."""

    parts: dict[str, bytes] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """Priced items with vectors that belong to a dataset."""

    id: int
    dataset_id: int
    signature: str  # of the embedding model
    refreshed_at: datetime | None  # when nothing was left to embed the last time; None = never
    refresh_seconds: int | None  # how often an index job starts by itself; None = never
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PriceStats:
    """Prices of a category in dollars; count 0 and the rest None when nothing is known of it."""

    count: int
    median: float | None = None
    p25: float | None = None
    p75: float | None = None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a knowledge base is behind: its vectors behind its items, its prices behind today."""

    items: int
    searchable: int  # have a vector, perhaps an old one
    stale_share: float  # of all items: changed since they were embedded, or never embedded
    oldest_change: datetime | None  # of a stale item
    lag_seconds: float | None  # median time from change to searchable; None before anything was embedded
    worst_lag_seconds: float | None
    median_age_days: float | None  # of the prices

    def as_json(self) -> dict[str, Any]:
        """As it is stored with a job's results."""
        return asdict(self) | {"oldest_change": self.oldest_change.isoformat() if self.oldest_change else None}


@dataclass(frozen=True, slots=True)
class EndpointModel:
    """What is known of a model behind an endpoint."""

    id: str
    shutdown_date: str | None = None  # ISO date, where the endpoint or a person says when the model ends
    context: int | None = None  # tokens, where the endpoint says it
    abilities: dict[str, Any] = field(default_factory=dict)
    """What tests and answers showed; a missing key is not known yet. logprobs, json_schema, tools, batch: bool;
    refuses: names of request parameters it answers with an error; answer_tokens: how much room an answer needs."""
    is_end_entered: bool = False  # a person said when it ends, which holds over what the endpoint says
    is_listed: bool = field(default=False, compare=False)  # the endpoint named it when it last said what it has


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where language models answer, over the OpenAI protocol. Its key is in the environment, under `key_env`."""

    name: str
    base_url: str
    api_version: str = ""  # Azure only
    key_env: str = ""  # "" = it wants no key
    provider: str = ""  # whose tariffs hold, as genai-prices names it; "" = only what was entered by hand
    requests_per_minute: int | None = None  # None: what the endpoint's answers say
    max_concurrency: int = 64
    timeout_seconds: float = 60.0
    models: tuple[EndpointModel, ...] = ()
    tested_at: datetime | None = None
    created_at: datetime | None = None
    description: str = ""
    archived_at: datetime | None = None  # None: its models are offered

    def model(self, model_id: str) -> EndpointModel:
        """What is known of one of its models; nothing is known of one that was never listed."""
        return next((model for model in self.models if model.id == model_id), EndpointModel(model_id))


@dataclass(frozen=True, slots=True)
class Tariff:
    """Dollars per million tokens of one model, on a date."""

    input: Decimal
    output: Decimal
    cached: Decimal  # of input tokens that the endpoint had read before
    batch_input: Decimal | None  # None: nobody said what a batch costs; the plain price is an upper bound
    batch_output: Decimal | None
    source: str  # "override", or package and version of the price list
    valid_from: datetime | None = None

    def usd(self, tokens_in: int, tokens_cached: int, tokens_out: int, *, batch: bool = False) -> Decimal:
        """What a call costs. Cached tokens (a part of tokens_in) have no discount of their own inside a batch."""
        if batch:
            fresh = cached = self.input if self.batch_input is None else self.batch_input
            output = self.output if self.batch_output is None else self.batch_output
        else:
            fresh, cached, output = self.input, self.cached, self.output
        return ((tokens_in - tokens_cached) * fresh + tokens_cached * cached + tokens_out * output) / 1_000_000


@dataclass(frozen=True, slots=True)
class SavedScenario:
    """What somebody supposed about volume and prices, kept by name."""

    id: int
    dataset_id: int
    name: str
    settings: dict[str, Any]  # worker.specs.what_if.Scenario as JSON
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Game:
    """Somebody guesses the prices of test rows, against the clock."""

    id: int
    dataset_id: int
    person: str
    seed: int  # that the rows were drawn with
    rows: list[int]  # in the order in which they are asked
    seconds: int  # that it may take
    started_at: datetime
    ended_at: datetime | None  # None: it goes on, unless its time is over


@dataclass(frozen=True, slots=True)
class SavedVerdict:
    """A verdict that somebody means to act on, as it was when it was saved. Never changed."""

    id: int
    dataset_id: int
    facts: dict[str, Any]  # worker.saved_verdicts.facts.Facts as JSON
    best_before: date | None  # from then on a model that the choice needs is gone; None: nobody says so of any
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of calls that an endpoint answers within hours."""

    id: int
    job_id: int
    chunk_id: int | None
    endpoint: str
    model: str
    token: str
    remote_id: str | None
    state: str  # new | sending | open | done | failed; "failed" is a batch that answered nothing
    requests: int
    answered: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class PricerState(StrEnum):
    CANDIDATE = "candidate"  # made, nobody relies on it
    IN_USE = "in use"  # the version that prices files; a name has at most one
    RETIRED = "retired"  # was in use, or was given up; can come back


@dataclass(frozen=True, slots=True)
class Pricer:
    """A version of a named choice: a technique with its source and what it promises. Only its state changes."""

    id: int
    name: str
    version: int
    state: PricerState
    description: str
    spec: dict[str, Any]  # worker.specs, with its adapter
    spec_hash: str
    source_id: int  # the dataset that it learned from
    source_fingerprint: str
    job_id: int | None  # whose error is promised; None: it was deleted
    verdict_id: int | None  # that chose it; None: somebody chose without one, or it was forgotten
    promise: dict[str, Any]  # worker.pricers.promise.Promise as JSON
    hit_rate: float | None  # the wish by which rows are handed to a person, 0 to 1; None: none
    within: float | None  # what counts as a hit, as a share of the real price
    best_before: date | None
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PricerChange:
    """Who moved a version of a pricer, from where to where, and why."""

    name: str
    version: int
    before: PricerState | None  # None: it was made
    after: PricerState
    who: str
    why: str
    overrides: str  # the objection that was overridden; "" = there was none
    at: datetime


class BatchState(StrEnum):
    WAITING = "waiting"  # taken, not loaded yet
    PRICING = "pricing"
    PRICED = "priced"  # its file is written whole
    ASIDE = "aside"  # could not be priced; its error says why


@dataclass(frozen=True, slots=True)
class PricerBatch:
    """A file that a pricer priced, or was to price."""

    id: int
    pricer_name: str
    pricer_id: int | None  # None: the version was deleted
    file_name: str
    file_sha256: str
    folder: str  # the watched one that it lay in; "": somebody brought it
    target: str  # where the priced file is written; "": nowhere, it is downloaded
    state: BatchState
    error: str | None
    dataset_id: int | None
    job_id: int | None
    rows: int
    rejects: int
    flagged: int  # handed to a person, rejects aside
    unlike: int  # of these: unlike what was learned from
    usd: Decimal | None  # None: not known
    truth: dict[str, Any] | None  # worker.batches.truth.Truth as JSON; None: no real prices came yet
    created_at: datetime
    finished_at: datetime | None
