"""What people are told of: an outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=True),
        sa.Column("at", moment, server_default=sa.func.now(), nullable=False),
        sa.Column("taken_by", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", moment, server_default=sa.func.now(), nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("key", name="uq_events_key"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_events_dataset_id", ondelete="CASCADE"),
    )
    # A person hears of datasets that she sees (0031).
    op.execute(
        "CREATE POLICY seen ON events "
        "USING (dataset_id IS NULL OR EXISTS (SELECT FROM datasets d WHERE d.id = dataset_id))"
    )
    op.execute("ALTER TABLE events ENABLE ROW LEVEL SECURITY")
    op.create_index("ix_events_dataset_id", "events", ["dataset_id"])
    op.create_index("ix_events_open", "events", ["next_try_at"], postgresql_where=sa.text("closed_at IS NULL"))


def downgrade() -> None:
    op.drop_table("events")
