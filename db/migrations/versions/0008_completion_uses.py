"""Which jobs were given a stored answer that another one had paid for: it stays while one of them does."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "completion_uses",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["completions.hash"], name="fk_completion_uses_hash", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_completion_uses_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", "job_id", name="pk_completion_uses"),
    )
    op.create_index("ix_completion_uses_job_id", "completion_uses", ["job_id"])


def downgrade() -> None:
    op.drop_table("completion_uses")
