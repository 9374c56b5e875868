"""What versions of a dataset changed; names, descriptions and the archive."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("made_by", sa.Text(), nullable=True))
    op.execute("UPDATE datasets SET made_by = 'decisions' WHERE made_from IS NOT NULL")
    op.add_column("datasets", sa.Column("changes", postgresql.JSONB(), nullable=True))
    op.add_column("jobs", sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False))
    for table in ("datasets", "jobs"):
        op.add_column(table, sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False))
        op.add_column(table, sa.Column("archived_at", sa.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    for table in ("datasets", "jobs"):
        op.drop_column(table, "archived_at")
        op.drop_column(table, "description")
    op.drop_column("jobs", "name")
    op.drop_column("datasets", "changes")
    op.drop_column("datasets", "made_by")
