"""Finds the answers of a job that were paid for at a price nobody knows, however many answers it has."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_completions_unpriced",
        "completions",
        ["job_id"],
        postgresql_where=sa.text("state = 'done' AND usd IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_completions_unpriced", table_name="completions")
