"""Comparisons that were made, so that pages need not make them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comparisons",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_comparisons_dataset_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name="pk_comparisons"),
    )
    op.create_index("ix_comparisons_dataset_id", "comparisons", ["dataset_id"])


def downgrade() -> None:
    op.drop_table("comparisons")
