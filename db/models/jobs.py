"""The tables of work: jobs, their chunks, what they predicted and measured, what was fitted, who works."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, dataset_key, job_key, owner


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
    dataset_id: Mapped[int] = dataset_key(index=True)
    technique: Mapped[str] = mapped_column(server_default=text("''"))
    spec: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    spec_hash: Mapped[str] = mapped_column(server_default=text("''"))
    fit_key: Mapped[str] = mapped_column(server_default=text("''"))  # spec and form; "": of a version that kept none
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
    fixed_unknown: Mapped[bool] = mapped_column(server_default=text("false"))  # part of it has no known price
    cap_usd: Mapped[Decimal | None]
    spent_usd: Mapped[Decimal] = mapped_column(Numeric(18, 12), server_default=text("0"))  # to endpoints, as it happens
    lost_usd: Mapped[Decimal] = mapped_column(Numeric(18, 12), server_default=text("0"))  # of that: for no answer
    lost_unpriced: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # such calls of unknown price
    stop_asked: Mapped[bool] = mapped_column(server_default=text("false"))  # a training ends early with what it has
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    # the dataset that its technique learned from, where that is another one; one in use is not deleted
    source_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id"), index=True)
    source_fingerprint: Mapped[str] = mapped_column(server_default=text("''"))
    name: Mapped[str] = mapped_column(server_default=text("''"))  # that a person gave it
    description: Mapped[str] = mapped_column(server_default=text("''"))
    archived_at: Mapped[datetime | None]  # null: it is offered
    # the race that releases its rows
    race_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    owner: Mapped[str] = owner()


class ChunkRow(Base):
    __tablename__ = "chunks"
    __table_args__ = (
        Index("ix_chunks_job_id_step_order_state", "job_id", "step_order", "state"),
        Index("ix_chunks_started_at", "started_at"),  # what began lately, for the order of work
        Index("ix_chunks_running", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_chunks_sent", "job_id", postgresql_where=text("state = 'waiting' AND sent_at IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    job_id: Mapped[int] = job_key()
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
    is_released: Mapped[bool] = mapped_column(server_default=text("true"))  # false: its race has not come so far


class PredictionRow(Base):
    __tablename__ = "predictions"
    job_id: Mapped[int] = job_key(primary_key=True)
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
    job_id: Mapped[int] = job_key(primary_key=True)
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ArtifactRow(Base):
    __tablename__ = "artifacts"
    hash: Mapped[str] = mapped_column(primary_key=True)  # of spec and train split
    part: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = dataset_key(index=True)
    payload: Mapped[bytes]
    fit_seconds: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkerRow(Base):
    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(primary_key=True)
    queues: Mapped[list[str]]
    device: Mapped[str]
    concurrency: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen: Mapped[datetime] = mapped_column(server_default=func.now())
