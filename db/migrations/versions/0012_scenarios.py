"""A table of scenarios: what people suppose about volume and prices, apart from all that was measured."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scenarios",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scenarios"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_scenarios_dataset_id", ondelete="CASCADE"),
        sa.UniqueConstraint("dataset_id", "name", name="uq_scenarios_dataset_id_name"),
    )


def downgrade() -> None:
    op.drop_table("scenarios")
