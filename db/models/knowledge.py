"""The tables of knowledge bases."""

from datetime import datetime
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, dataset_key, owner


def _base(**kwargs: Any) -> Mapped[int]:
    return mapped_column(ForeignKey("knowledge_bases.id", ondelete="CASCADE"), **kwargs)


class KnowledgeBaseRow(Base):
    """Priced items with vectors that techniques search; a dataset has at most one."""

    __tablename__ = "knowledge_bases"
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = dataset_key(unique=True)
    signature: Mapped[str]  # of the embedding model; all vectors of a base are of this one
    refreshed_at: Mapped[datetime | None]  # when an index job last ended with nothing left to embed
    refresh_seconds: Mapped[int | None]  # how often beat starts an index job; null = never
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    owner: Mapped[str] = owner()


class KnowledgeItemRow(Base):
    __tablename__ = "knowledge_items"
    __table_args__ = (
        UniqueConstraint("base_id", "key"),
        Index("ix_knowledge_items_base_id_row", "base_id", "row"),
        Index("ix_knowledge_items_base_id_category", "base_id", "category"),
        Index("ix_knowledge_items_stale", "base_id", postgresql_where=text("text_hash IS DISTINCT FROM embedded_hash")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    base_id: Mapped[int] = _base()
    key: Mapped[str]  # the item's own id, or "row:N"; "DATASET:..." for one of a reference dataset
    row: Mapped[int | None] = mapped_column(BigInteger)  # of the base's dataset, where the item is on its train side
    title: Mapped[str]
    description: Mapped[str]
    category: Mapped[str]
    brand: Mapped[str]
    price: Mapped[float]
    source: Mapped[str]  # train | file | reference
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())  # when the base learned of its last change
    priced_at: Mapped[datetime] = mapped_column(server_default=func.now())  # date of the price
    text_hash: Mapped[str]  # of the text that should be embedded
    embedded_hash: Mapped[str | None]  # of what is embedded; another than text_hash = stale
    embedded_at: Mapped[datetime | None]
    # No fixed dimension, so that any embedding model fits; an HNSW index casts to the dimension it is for.
    embedding: Mapped[Any | None] = mapped_column(HALFVEC)


class KnowledgeRemovedRow(Base):
    """What a person took out of a base: the next sync does not bring it back."""

    __tablename__ = "knowledge_removed"
    base_id: Mapped[int] = _base(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    removed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class QueryVectorRow(Base):
    """The vector of a row that looked for similar known items, by the model that was used last."""

    __tablename__ = "query_vectors"
    dataset_id: Mapped[int] = dataset_key(primary_key=True)
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    signature: Mapped[str]  # of the embedding model
    text_hash: Mapped[str]  # of what was embedded
    embedding: Mapped[bytes]  # half-precision numbers, the lowest byte first
