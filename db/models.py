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
    state: Mapped[str]
    error: Mapped[str | None]
    items_total: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rate_id: Mapped[int] = mapped_column(ForeignKey("rates.id"))
    fixed_seconds: Mapped[float] = mapped_column(server_default=text("0"))
    fixed_usd: Mapped[Decimal] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class ChunkRow(Base):
    __tablename__ = "chunks"
    __table_args__ = (
        Index("ix_chunks_job_id_step_order_state", "job_id", "step_order", "state"),
        Index("ix_chunks_running", "lease_until", postgresql_where=text("state = 'running'")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    job_id: Mapped[int] = _job()
    step: Mapped[str]
    step_order: Mapped[int] = mapped_column(SmallInteger)
    rows: Mapped[list[int]]
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
    usd: Mapped[Decimal] = mapped_column(Numeric(18, 12))
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


class VectorRow(Base):
    __tablename__ = "vectors"
    dataset_id: Mapped[int] = _dataset(primary_key=True)
    signature: Mapped[str] = mapped_column(primary_key=True)  # of the embedding model
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    text_hash: Mapped[str]  # of the embedded text: what is unchanged is not embedded again
    # No fixed dimension, so that any embedding model fits; an HNSW index casts to the dimension it is for.
    embedding: Mapped[Any] = mapped_column(HALFVEC)


class WorkerRow(Base):
    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(primary_key=True)
    queues: Mapped[list[str]]
    device: Mapped[str]
    concurrency: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen: Mapped[datetime] = mapped_column(server_default=func.now())
