"""The table of what people are told of."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class EventRow(Base):
    """Something that happened once, and how far its delivery is. Goes with its dataset."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_open", "next_try_at", postgresql_where=text("closed_at IS NULL")),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str]  # db.events.EventKind
    key: Mapped[str] = mapped_column(unique=True)  # the same thing has the same key, and is told once
    sentence: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    taken_by: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # channels that were told
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]  # null: somebody is still to be told
    error: Mapped[str | None]  # of the last try
