"""The table of comparisons that were made, each under what it rests on."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, dataset_key


class ComparisonRow(Base):
    """A part of a comparison: can be made anew from predictions at any time."""

    __tablename__ = "comparisons"
    key: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = dataset_key(index=True)
    frame: Mapped[bytes]  # Parquet
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
