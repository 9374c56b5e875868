"""The table of what people decided about known prices that look wrong."""

from datetime import datetime

from sqlalchemy import BigInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, dataset_key


class PriceDecisionRow(Base):
    """One decision about a row's price; the row itself is never changed."""

    __tablename__ = "price_decisions"
    dataset_id: Mapped[int] = dataset_key(primary_key=True)
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    decision: Mapped[str]  # accept | fix | drop
    price: Mapped[float | None]  # $ of a fix
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())
