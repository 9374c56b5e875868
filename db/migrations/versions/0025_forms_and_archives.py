"""The form of its technique that a job priced with; archives of endpoints and prompts, and notes on endpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("fit_key", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("endpoints", sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False))
    for table in ("endpoints", "prompts"):
        op.add_column(table, sa.Column("archived_at", sa.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    for table in ("endpoints", "prompts"):
        op.drop_column(table, "archived_at")
    op.drop_column("endpoints", "description")
    op.drop_column("jobs", "fit_key")
