"""The number of equal lines that one reject stands for."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rejects", sa.Column("count", sa.BigInteger(), server_default=sa.text("1"), nullable=False))


def downgrade() -> None:
    op.execute(
        """INSERT INTO rejects (dataset_id, line, raw, reason)
           SELECT dataset_id, line + further, raw, reason FROM rejects, generate_series(1, count - 1) further"""
    )
    op.drop_column("rejects", "count")
