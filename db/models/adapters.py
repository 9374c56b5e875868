"""The tables of trainings and of the adapters that they bring."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, job_key, owner


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
    gate_report: Mapped[dict[str, Any] | None]
    usd: Mapped[Decimal]
    seconds: Mapped[float]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    owner: Mapped[str] = owner()


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
    job_id: Mapped[int] = job_key(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    values: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class CheckpointRow(Base):
    """Where a training goes on from after its worker died, on whatever machine. Gone when the training ends."""

    __tablename__ = "checkpoints"
    job_id: Mapped[int] = job_key(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    piece: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # db.pieces
    step: Mapped[int]
    payload: Mapped[bytes]
