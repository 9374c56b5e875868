"""The tables of what is in use: pricers, who moved them, and the files that they priced."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, owner


class PricerRow(Base):
    """A version of a pricer; only its state and its description change."""

    __tablename__ = "pricers"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        Index("uq_pricers_in_use", "name", unique=True, postgresql_where=text("state = 'in use'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int]  # 1, 2, … of this name
    state: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"))
    spec: Mapped[dict[str, Any]]
    spec_hash: Mapped[str]
    # the dataset that it learned from; one that a pricer rests on is not deleted
    source_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), index=True)
    source_fingerprint: Mapped[str]
    # the job whose error is promised, and the verdict that chose it
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    verdict_id: Mapped[int | None] = mapped_column(ForeignKey("saved_verdicts.id", ondelete="SET NULL"), index=True)
    promise: Mapped[dict[str, Any]]  # worker.pricers.promise.Promise as JSON
    hit_rate: Mapped[float | None]  # the wish by which rows are handed to a person; null: none
    within: Mapped[float | None]  # what counts as a hit, as a share of the real price
    best_before: Mapped[date | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    owner: Mapped[str] = owner()
    shared_with: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # db.visibility.names


class PricerChangeRow(Base):
    """Every change of a pricer's state: the history stays when the pricer goes."""

    __tablename__ = "pricer_changes"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    before: Mapped[str]  # "" of one that was made
    after: Mapped[str]
    who: Mapped[str]
    why: Mapped[str]
    overrides: Mapped[str] = mapped_column(server_default=text("''"))  # the objection that was overridden
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class PricerBatchRow(Base):
    """A file that a pricer priced, or was to price."""

    __tablename__ = "pricer_batches"
    __table_args__ = (
        # A file in a watched folder is taken once, by what is in it.
        Index(
            "uq_pricer_batches_taken",
            "pricer_name",
            "file_sha256",
            unique=True,
            postgresql_where=text("folder <> ''"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pricer_name: Mapped[str]
    pricer_id: Mapped[int | None] = mapped_column(ForeignKey("pricers.id", ondelete="SET NULL"), index=True)
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    folder: Mapped[str] = mapped_column(server_default=text("''"))  # the watched one; "": somebody brought the file
    target: Mapped[str] = mapped_column(server_default=text("''"))  # where the priced file is written; "": nowhere yet
    state: Mapped[str]
    error: Mapped[str | None]  # why it lies aside, in a sentence
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    rows: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # lines of the file that hold a product
    rejects: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    flagged: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # handed to a person, rejects aside
    unlike: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # of these: unlike what was learned from
    usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 12))  # null: not known
    truth: Mapped[dict[str, Any] | None]  # worker.batches.truth.Truth as JSON; null: no real prices came yet
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    owner: Mapped[str] = owner()
