"""What comes first: how long a chunk is expected to take, and which jobs go before others."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("priority", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("chunks", sa.Column("expected_seconds", sa.Double(), server_default=sa.text("10"), nullable=False))
    op.create_index(
        "ix_chunks_sent",
        "chunks",
        ["job_id"],
        postgresql_where=sa.text("state = 'waiting' AND sent_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_chunks_sent", "chunks")
    op.drop_column("chunks", "expected_seconds")
    op.drop_column("jobs", "priority")
