"""The table of scenarios: what people suppose about volume and prices, apart from all that was measured."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, dataset_key, owner


class ScenarioRow(Base):
    __tablename__ = "scenarios"
    __table_args__ = (UniqueConstraint("dataset_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = dataset_key()
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]  # worker.specs.what_if.Scenario as JSON
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    owner: Mapped[str] = owner()
