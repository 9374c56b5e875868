"""The tables of what was uploaded: datasets, their items and rejects."""

from datetime import date as calendar_day
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, dataset_key, owner


class DatasetRow(Base):
    __tablename__ = "datasets"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    file_sha256: Mapped[str]  # the bytes lie in files/<sha256>
    file_name: Mapped[str]
    is_synthetic: Mapped[bool] = mapped_column(server_default=text("false"))
    rows_in: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    items: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rejects: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    inspection: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    mapping: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    profile: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    splits: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    made_from: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"))  # it is a version of
    made_by: Mapped[str | None]  # db.types.MadeBy of a version
    changes: Mapped[dict[str, Any] | None]  # db.types.Changes of a version as JSON
    description: Mapped[str] = mapped_column(server_default=text("''"))
    archived_at: Mapped[datetime | None]  # null: it is offered
    currency: Mapped[str] = mapped_column(server_default=text("''"))  # ISO 4217 of its prices; "": nobody said
    joined_from: Mapped[list[int]] = mapped_column(server_default=text("'{}'"))  # datasets whose items it holds
    owner: Mapped[str] = owner()
    shared_with: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # db.visibility.names


class ItemRow(Base):
    __tablename__ = "items"
    # Without a foreign key, which would ask for the dataset at each of millions of rows: add_all_items asks once, and a
    # trigger on datasets takes the rows along.
    dataset_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(BigInteger)  # 1-based, in the original file
    external_id: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    category: Mapped[str]
    brand: Mapped[str]
    price: Mapped[float | None]
    original_price: Mapped[float | None]  # of a price that was converted: as the file has it
    original_currency: Mapped[str] = mapped_column(server_default=text("''"))  # its currency; "": not converted
    weight: Mapped[float | None]  # in measures; null: it has none and weighs 1
    date: Mapped[calendar_day | None]  # that the file gives the price; null: none that can be read
    quantity: Mapped[float | None]  # units that the price is for; null: nobody said, and techniques learn the price
    split: Mapped[str]
    group_id: Mapped[int] = mapped_column(BigInteger)  # near-duplicates share it and stay on one side


class RejectRow(Base):
    __tablename__ = "rejects"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    dataset_id: Mapped[int] = dataset_key(index=True)
    line: Mapped[int] = mapped_column(BigInteger)
    raw: Mapped[str]
    reason: Mapped[str]
    count: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))  # equal lines from `line` on
