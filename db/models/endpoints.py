"""The tables of what is asked and where: prompts, endpoints, calls and batches of them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, job_key, owner


class PromptRow(Base):
    """A version of a prompt; versions are never changed. Those that come with Pricewright live in code."""

    __tablename__ = "prompts"
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    system: Mapped[str]
    template: Mapped[str]  # Jinja2
    note: Mapped[str] = mapped_column(server_default=text("''"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    archived_at: Mapped[datetime | None]  # null: it is offered; alike for all versions of a name
    owner: Mapped[str] = owner()
    shared_with: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # db.visibility.names


class EndpointRow(Base):
    """Where language models answer. Its key is named, or kept beside it (EndpointKeyRow)."""

    __tablename__ = "endpoints"
    name: Mapped[str] = mapped_column(primary_key=True)
    base_url: Mapped[str]
    api_version: Mapped[str] = mapped_column(server_default=text("''"))  # Azure only
    key_env: Mapped[str] = mapped_column(server_default=text("''"))  # name of the environment variable with the key
    provider: Mapped[str] = mapped_column(server_default=text("''"))  # whose tariffs hold, as genai-prices names it
    requests_per_minute: Mapped[int | None]
    max_concurrency: Mapped[int] = mapped_column(server_default=text("64"))
    timeout_seconds: Mapped[float] = mapped_column(server_default=text("60"))
    models: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))  # [{id, shutdown_date, …}]
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    description: Mapped[str] = mapped_column(server_default=text("''"))
    archived_at: Mapped[datetime | None]  # null: its models are offered
    owner: Mapped[str] = owner()


class EndpointKeyRow(Base):
    """The key of an endpoint that somebody entered, encrypted with a secret that is in no table."""

    __tablename__ = "endpoint_keys"
    endpoint: Mapped[str] = mapped_column(ForeignKey("endpoints.name", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str]  # another one with each entry, so that who keeps the last one notices
    sealed: Mapped[bytes]
    last: Mapped[str]  # letters of it that are shown; "" where it is too short to show any
    entered_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CompletionRow(Base):
    """One call to an endpoint, by the hash of its whole request: stored before it is used, never paid twice."""

    __tablename__ = "completions"
    __table_args__ = (
        Index("ix_completions_job_id", "job_id", "row"),
        Index("ix_completions_sent", "job_id", postgresql_where=text("state = 'sent'")),
        Index("ix_completions_unpriced", "job_id", postgresql_where=text("state = 'done' AND usd IS NULL")),
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
    job_id: Mapped[int] = job_key(primary_key=True, index=True)


class BatchRow(Base):
    """A file of calls that an endpoint answers within hours, for half the price."""

    __tablename__ = "batches"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    job_id: Mapped[int] = job_key(index=True)
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
