"""Vectors of rows that looked for similar known items."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "query_vectors",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "row", name="pk_query_vectors"),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name="fk_query_vectors_dataset_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    op.drop_table("query_vectors")
