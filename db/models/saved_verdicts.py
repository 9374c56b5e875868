"""The table of verdicts that people saved to act on."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, dataset_key, owner


class SavedVerdictRow(Base):
    """What was decided and what it rests on; never changed."""

    __tablename__ = "saved_verdicts"
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = dataset_key(index=True)
    facts: Mapped[dict[str, Any]]  # worker.saved_verdicts.facts.Facts as JSON
    best_before: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    owner: Mapped[str] = owner()
