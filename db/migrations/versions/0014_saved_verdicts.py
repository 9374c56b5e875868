"""A table of verdicts that people saved to act on, and weights of rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("best_before", sa.Date(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_verdicts"),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name="fk_saved_verdicts_dataset_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_saved_verdicts_dataset_id", "saved_verdicts", ["dataset_id"])
    op.add_column("items", sa.Column("weight", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("items", "weight")
    op.drop_table("saved_verdicts")
