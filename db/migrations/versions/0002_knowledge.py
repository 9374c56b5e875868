"""Knowledge bases: vectors become items of a base, so that priced items can come, change and go.

Existing vectors are moved, not embedded again: fitted techniques that search them keep working.
"""

import pgvector.sqlalchemy
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    default = None if nullable else _NOW
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), server_default=default, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "knowledge_bases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        _text("signature"),
        _time("refreshed_at", nullable=True),
        sa.Column("refresh_seconds", sa.Integer(), nullable=True),
        _time("created_at"),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_knowledge_bases_dataset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_bases")),
        sa.UniqueConstraint("dataset_id", name=op.f("uq_knowledge_bases_dataset_id")),
    )
    op.create_table(
        "knowledge_items",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("base_id", sa.Integer(), nullable=False),
        _text("key"),
        sa.Column("row", sa.BigInteger(), nullable=True),
        *(_text(name) for name in ("title", "description", "category", "brand")),
        sa.Column("price", sa.Double(), nullable=False),
        _text("source"),
        _time("changed_at"),
        _time("priced_at"),
        _text("text_hash"),
        _text("embedded_hash", nullable=True),
        _time("embedded_at", nullable=True),
        sa.Column("embedding", pgvector.sqlalchemy.halfvec.HALFVEC(), nullable=True),
        sa.ForeignKeyConstraint(
            ["base_id"], ["knowledge_bases.id"], name=op.f("fk_knowledge_items_base_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_items")),
        sa.UniqueConstraint("base_id", "key", name=op.f("uq_knowledge_items_base_id_key")),
    )
    op.create_index("ix_knowledge_items_base_id_row", "knowledge_items", ["base_id", "row"])
    op.create_index("ix_knowledge_items_base_id_category", "knowledge_items", ["base_id", "category"])
    op.create_index(
        "ix_knowledge_items_stale",
        "knowledge_items",
        ["base_id"],
        postgresql_where=sa.text("text_hash IS DISTINCT FROM embedded_hash"),
    )
    op.create_table(
        "knowledge_removed",
        sa.Column("base_id", sa.Integer(), nullable=False),
        _text("key"),
        _time("removed_at"),
        sa.ForeignKeyConstraint(
            ["base_id"], ["knowledge_bases.id"], name=op.f("fk_knowledge_removed_base_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("base_id", "key", name=op.f("pk_knowledge_removed")),
    )
    _move_vectors()
    op.drop_table("vectors")


def _move_vectors() -> None:
    # A base has one model: the one that most of its dataset's vectors are of.
    op.execute(
        """INSERT INTO knowledge_bases (dataset_id, signature, refreshed_at)
           SELECT DISTINCT ON (dataset_id) dataset_id, signature, now()
           FROM (SELECT dataset_id, signature, count(*) AS n FROM vectors GROUP BY 1, 2) s
           ORDER BY dataset_id, n DESC, signature"""
    )
    op.execute(
        """INSERT INTO knowledge_items (base_id, key, row, title, description, category, brand, price, source,
               priced_at, text_hash, embedded_hash, embedded_at, embedding)
           SELECT b.id, i.key, i.row, i.title, i.description, i.category, i.brand, i.price, 'train',
               d.created_at, v.text_hash, v.text_hash, now(), v.embedding
           FROM knowledge_bases b
           JOIN datasets d ON d.id = b.dataset_id
           JOIN (SELECT *, CASE WHEN external_id = '' OR external_id ~ '^row:[0-9]+$'
                         OR count(*) OVER (PARTITION BY dataset_id, external_id) > 1
                     THEN 'row:' || row ELSE external_id END AS key FROM items) i ON i.dataset_id = b.dataset_id
           JOIN vectors v ON v.dataset_id = b.dataset_id AND v.signature = b.signature AND v.row = i.row
           WHERE i.split = 'train' AND i.price > 0"""
    )


def downgrade() -> None:
    op.create_table(
        "vectors",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        _text("signature"),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        _text("text_hash"),
        sa.Column("embedding", pgvector.sqlalchemy.halfvec.HALFVEC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_vectors_dataset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "signature", "row", name=op.f("pk_vectors")),
    )
    op.execute(
        """INSERT INTO vectors (dataset_id, signature, row, text_hash, embedding)
           SELECT b.dataset_id, b.signature, k.row, k.embedded_hash, k.embedding
           FROM knowledge_items k JOIN knowledge_bases b ON b.id = k.base_id
           WHERE k.row IS NOT NULL AND k.embedding IS NOT NULL"""
    )
    for table in ("knowledge_removed", "knowledge_items", "knowledge_bases"):
        op.drop_table(table)
