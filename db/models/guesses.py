"""The tables of games: a person's guesses of prices, apart from all that techniques answered."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, dataset_key, owner


class GameRow(Base):
    __tablename__ = "games"
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = dataset_key(index=True)
    person: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[list[int]]  # in the order in which they are asked
    seconds: Mapped[int]  # that it may take
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    owner: Mapped[str] = owner()


class GuessRow(Base):
    __tablename__ = "guesses"
    game_id: Mapped[int] = mapped_column(ForeignKey("games.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    price: Mapped[float | None]  # $; null = skipped
    guessed_at: Mapped[datetime] = mapped_column(server_default=func.now())
