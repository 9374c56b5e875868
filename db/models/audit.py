"""The tables of what people did and of what their jobs cost them by month; neither goes with what it is about."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Index, Numeric, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class AuditRow(Base):
    """One act. Triggers of the database refuse to change, delete or truncate."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_at", "at"), Index("ix_audit_log_person_at", "person", "at"))
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    person: Mapped[str]  # "": the product itself
    role: Mapped[str]
    verb: Mapped[str]  # db.types.Verb
    kind: Mapped[str]  # of the thing
    thing_id: Mapped[str]
    thing_name: Mapped[str]  # as it was called then
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    usd: Mapped[Decimal | None]  # allowed or entered; null: none
    place: Mapped[str]  # a page, a command, a worker
    address: Mapped[str]  # of the client; "": not known


class SpendingRow(Base):
    """What a person's job paid to endpoints in a month (UTC); written by a trigger on jobs, so no booking misses it."""

    __tablename__ = "spendings"
    person: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # stays when the job is deleted
    usd: Mapped[Decimal] = mapped_column(Numeric(18, 12))
