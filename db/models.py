"""The tables. Postgres is the only place where the truth lives; the broker and the files folder can be lost."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Named constraints, so that a later migration can name what it changes.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012
        str: Text,
        float: Double,
        datetime: TIMESTAMP(timezone=True),
        Decimal: Numeric(18, 9),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(BigInteger),
        bytes: LargeBinary,
    }


def _dataset(**kwargs: Any) -> Mapped[int]:
    return mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), **kwargs)


def _job(**kwargs: Any) -> Mapped[int]:
    return mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), **kwargs)


def _base(**kwargs: Any) -> Mapped[int]:
    return mapped_column(ForeignKey("knowledge_bases.id", ondelete="CASCADE"), **kwargs)


class DatasetRow(Base):
    __tablename__ = "datasets"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    file_sha256: Mapped[str]  # the bytes lie in files/<sha256>
    file_name: Mapped[str]
    is_synthetic: Mapped[bool] = mapped_column(server_default=text("false"))
    rows_in: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    items: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rejects: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    inspection: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    mapping: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    profile: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    splits: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ItemRow(Base):
    __tablename__ = "items"
    dataset_id: Mapped[int] = _dataset(primary_key=True)
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(BigInteger)  # 1-based, in the original file
    external_id: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    category: Mapped[str]
    brand: Mapped[str]
    price: Mapped[float | None]
    split: Mapped[str]
    group_id: Mapped[int] = mapped_column(BigInteger)  # near-duplicates share it and stay on one side


class RejectRow(Base):
    __tablename__ = "rejects"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    dataset_id: Mapped[int] = _dataset(index=True)
    line: Mapped[int] = mapped_column(BigInteger)
    raw: Mapped[str]
    reason: Mapped[str]


class RateRow(Base):
    __tablename__ = "rates"
    __table_args__ = (UniqueConstraint("name", "valid_from"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    usd: Mapped[Decimal]
    valid_from: Mapped[datetime] = mapped_column(server_default=func.now())


class JobRow(Base):
    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    dataset_id: Mapped[int] = _dataset(index=True)
    technique: Mapped[str] = mapped_column(server_default=text("''"))
    spec: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    spec_hash: Mapped[str] = mapped_column(server_default=text("''"))
    split: Mapped[str | None]
    item_limit: Mapped[int | None] = mapped_column(BigInteger)
    queue: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))  # db.types.Priority
    state: Mapped[str]
    error: Mapped[str | None]
    items_total: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rate_id: Mapped[int] = mapped_column(ForeignKey("rates.id"))
    fixed_seconds: Mapped[float] = mapped_column(server_default=text("0"))
    fixed_usd: Mapped[Decimal] = mapped_column(server_default=text("0"))
    cap_usd: Mapped[Decimal | None]
    spent_usd: Mapped[Decimal] = mapped_column(Numeric(18, 12), server_default=text("0"))  # to endpoints, as it happens
    lost_usd: Mapped[Decimal] = mapped_column(Numeric(18, 12), server_default=text("0"))  # of that: for no answer
    lost_unpriced: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # such calls of unknown price
    stop_asked: Mapped[bool] = mapped_column(server_default=text("false"))  # a training ends early with what it has
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class ChunkRow(Base):
    __tablename__ = "chunks"
    __table_args__ = (
        Index("ix_chunks_job_id_step_order_state", "job_id", "step_order", "state"),
        Index("ix_chunks_running", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_chunks_sent", "job_id", postgresql_where=text("state = 'waiting' AND sent_at IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    job_id: Mapped[int] = _job()
    step: Mapped[str]
    step_order: Mapped[int] = mapped_column(SmallInteger)
    rows: Mapped[list[int]]
    expected_seconds: Mapped[float] = mapped_column(server_default=text("10"))  # what the order of work goes by
    # waiting | running (leased: somebody works on it, or died doing so) | done | failed
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    attempt: Mapped[int] = mapped_column(server_default=text("0"))  # fencing token: grows with every claim
    failures: Mapped[int] = mapped_column(server_default=text("0"))  # claims that ended badly; bounded by a setting
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]  # when a message that names it was last sent
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    items_done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    unparsed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    failed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    usd: Mapped[Decimal] = mapped_column(server_default=text("0"))
    seconds: Mapped[float] = mapped_column(server_default=text("0"))
    error: Mapped[str | None]
    furthest: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # items_done of its best unfinished try
    not_before: Mapped[datetime | None]  # deferred: its answers come later
    reserved_usd: Mapped[Decimal] = mapped_column(Numeric(18, 12), server_default=text("0"))  # under the job's cap
    tokens_in: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    tokens_out: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    saved_usd: Mapped[Decimal] = mapped_column(Numeric(18, 12), server_default=text("0"))
    unknown_costs: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    retries: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rate_limit_waits: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    waited_seconds: Mapped[float] = mapped_column(server_default=text("0"))


class PredictionRow(Base):
    __tablename__ = "predictions"
    job_id: Mapped[int] = _job(primary_key=True)
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    price: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    status: Mapped[str]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    seconds: Mapped[float]
    usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 12))  # null: paid, but the price is unknown
    tokens_cached: Mapped[int] = mapped_column(server_default=text("0"))
    saved_usd: Mapped[Decimal] = mapped_column(Numeric(18, 12), server_default=text("0"))
    evidence: Mapped[dict[str, Any] | None]


class ResultRow(Base):
    __tablename__ = "results"
    job_id: Mapped[int] = _job(primary_key=True)
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ArtifactRow(Base):
    __tablename__ = "artifacts"
    hash: Mapped[str] = mapped_column(primary_key=True)  # of spec and train split
    part: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = _dataset(index=True)
    payload: Mapped[bytes]
    fit_seconds: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class KnowledgeBaseRow(Base):
    """Priced items with vectors that techniques search; a dataset has at most one."""

    __tablename__ = "knowledge_bases"
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = _dataset(unique=True)
    signature: Mapped[str]  # of the embedding model; all vectors of a base are of this one
    refreshed_at: Mapped[datetime | None]  # when an index job last ended with nothing left to embed
    refresh_seconds: Mapped[int | None]  # how often beat starts an index job; null = never
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class KnowledgeItemRow(Base):
    __tablename__ = "knowledge_items"
    __table_args__ = (
        UniqueConstraint("base_id", "key"),
        Index("ix_knowledge_items_base_id_row", "base_id", "row"),
        Index("ix_knowledge_items_base_id_category", "base_id", "category"),
        Index("ix_knowledge_items_stale", "base_id", postgresql_where=text("text_hash IS DISTINCT FROM embedded_hash")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    base_id: Mapped[int] = _base()
    key: Mapped[str]  # the item's own id, or "row:N"; "DATASET:..." for one of a reference dataset
    row: Mapped[int | None] = mapped_column(BigInteger)  # of the base's dataset, where the item is on its train side
    title: Mapped[str]
    description: Mapped[str]
    category: Mapped[str]
    brand: Mapped[str]
    price: Mapped[float]
    source: Mapped[str]  # train | file | reference
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())  # when the base learned of its last change
    priced_at: Mapped[datetime] = mapped_column(server_default=func.now())  # date of the price
    text_hash: Mapped[str]  # of the text that should be embedded
    embedded_hash: Mapped[str | None]  # of what is embedded; another than text_hash = stale
    embedded_at: Mapped[datetime | None]
    # No fixed dimension, so that any embedding model fits; an HNSW index casts to the dimension it is for.
    embedding: Mapped[Any | None] = mapped_column(HALFVEC)


class KnowledgeRemovedRow(Base):
    """What a person took out of a base: the next sync does not bring it back."""

    __tablename__ = "knowledge_removed"
    base_id: Mapped[int] = _base(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    removed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkerRow(Base):
    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(primary_key=True)
    queues: Mapped[list[str]]
    device: Mapped[str]
    concurrency: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen: Mapped[datetime] = mapped_column(server_default=func.now())


class PromptRow(Base):
    """A version of a prompt; versions are never changed. Those that come with Pricewright live in code."""

    __tablename__ = "prompts"
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    system: Mapped[str]
    template: Mapped[str]  # Jinja2
    note: Mapped[str] = mapped_column(server_default=text("''"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class EndpointRow(Base):
    """Where hosted models answer. Its key is named, not kept."""

    __tablename__ = "endpoints"
    name: Mapped[str] = mapped_column(primary_key=True)
    base_url: Mapped[str]
    api_version: Mapped[str] = mapped_column(server_default=text("''"))  # Azure only
    key_env: Mapped[str] = mapped_column(server_default=text("''"))  # name of the environment variable with the key
    provider: Mapped[str] = mapped_column(server_default=text("''"))  # whose tariffs hold, as genai-prices names it
    requests_per_minute: Mapped[int | None]
    max_concurrency: Mapped[int] = mapped_column(server_default=text("64"))
    timeout_seconds: Mapped[float] = mapped_column(server_default=text("60"))
    models: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))  # [{id, shutdown_date, abilities}]
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CompletionRow(Base):
    """One call of a hosted model, by the hash of its whole request: stored before it is used, never paid twice."""

    __tablename__ = "completions"
    __table_args__ = (
        Index("ix_completions_job_id", "job_id", "row"),
        Index("ix_completions_sent", "job_id", postgresql_where=text("state = 'sent'")),
    )
    hash: Mapped[str] = mapped_column(primary_key=True)
    endpoint: Mapped[str]
    model: Mapped[str]
    request: Mapped[dict[str, Any]]
    state: Mapped[str]  # sent | done | failed | lost
    owner: Mapped[str | None]  # who sends it and waits for the answer
    lease_until: Mapped[datetime | None]  # after this an unanswered call may be sent again
    job_id: Mapped[int | None] = mapped_column(BigInteger)  # who pays; no foreign key: the answer outlives the job
    row: Mapped[int | None] = mapped_column(BigInteger)
    batch_id: Mapped[int | None] = mapped_column(BigInteger)
    response: Mapped[dict[str, Any] | None]
    tokens_in: Mapped[int] = mapped_column(server_default=text("0"))
    tokens_cached: Mapped[int] = mapped_column(server_default=text("0"))
    tokens_out: Mapped[int] = mapped_column(server_default=text("0"))
    usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 12))  # null: the price is unknown
    seconds: Mapped[float] = mapped_column(server_default=text("0"))
    sent_at: Mapped[datetime | None]  # null: claimed, and surely not on its way
    done_at: Mapped[datetime | None]
    most_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 12))  # that a try can cost; null: nobody knows
    lost_usd: Mapped[Decimal] = mapped_column(Numeric(18, 12), server_default=text("0"))  # tries without an answer


class CompletionUseRow(Base):
    """A job that was given an answer which another job had paid for: the answer stays while one of them does."""

    __tablename__ = "completion_uses"
    hash: Mapped[str] = mapped_column(ForeignKey("completions.hash", ondelete="CASCADE"), primary_key=True)
    job_id: Mapped[int] = _job(primary_key=True, index=True)


class BatchRow(Base):
    """A file of calls that an endpoint answers within hours, for half the price."""

    __tablename__ = "batches"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    job_id: Mapped[int] = _job(index=True)
    chunk_id: Mapped[int | None] = mapped_column(BigInteger)
    endpoint: Mapped[str]
    model: Mapped[str]
    token: Mapped[str]  # sent along as metadata: finds the batch again if we die between creating and noting it
    remote_id: Mapped[str | None]
    state: Mapped[str]
    requests: Mapped[int]
    answered: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    polled_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class AdapterRow(Base):
    """Weights that a fine-tune added to a base model. Outlives its dataset and its job."""

    __tablename__ = "adapters"
    __table_args__ = (
        Index("uq_adapters_production", "task", unique=True, postgresql_where=text("state = 'production'")),
    )
    id: Mapped[str] = mapped_column(primary_key=True)  # sha256 of its files
    task: Mapped[str]
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"))
    dataset_name: Mapped[str]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    model: Mapped[str]
    base: Mapped[str]
    base_hash: Mapped[str]
    form: Mapped[str]
    spec: Mapped[dict[str, Any]]
    fingerprint: Mapped[str]
    train_rows: Mapped[int]
    metrics: Mapped[dict[str, Any]]
    forgetting: Mapped[dict[str, Any] | None]
    usd: Mapped[Decimal]
    seconds: Mapped[float]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AdapterFileRow(Base):
    __tablename__ = "adapter_files"
    adapter_id: Mapped[str] = mapped_column(ForeignKey("adapters.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    piece: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # db.pieces
    payload: Mapped[bytes]


class AdapterChangeRow(Base):
    """Every change of an adapter's state: the history stays when the adapter goes."""

    __tablename__ = "adapter_changes"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    adapter_id: Mapped[str] = mapped_column(index=True)
    task: Mapped[str]
    before: Mapped[str]
    after: Mapped[str]
    who: Mapped[str]
    why: Mapped[str]
    overrides: Mapped[str] = mapped_column(server_default=text("''"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class TrainingPointRow(Base):
    """The curve of a training; a step that is done again after a crash is written over."""

    __tablename__ = "training_points"
    job_id: Mapped[int] = _job(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    values: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class CheckpointRow(Base):
    """Where a training goes on from after its worker died, on whatever machine. Gone when the training ends."""

    __tablename__ = "checkpoints"
    job_id: Mapped[int] = _job(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    piece: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # db.pieces
    step: Mapped[int]
    payload: Mapped[bytes]
