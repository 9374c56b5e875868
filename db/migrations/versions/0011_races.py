"""Races: jobs that a race drives, whose chunks wait until it releases their rows."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("race_id", sa.Integer()))
    op.create_foreign_key("fk_jobs_race_id", "jobs", "jobs", ["race_id"], ["id"], ondelete="SET NULL")
    op.create_index("ix_jobs_race_id", "jobs", ["race_id"])
    op.add_column("chunks", sa.Column("is_released", sa.Boolean(), nullable=False, server_default=sa.text("true")))


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE kind = 'race'")
    op.execute("UPDATE jobs SET state = 'cancelled' WHERE state = 'stopped'")
    op.drop_column("chunks", "is_released")
    op.drop_index("ix_jobs_race_id", "jobs")
    op.drop_constraint("fk_jobs_race_id", "jobs", type_="foreignkey")
    op.drop_column("jobs", "race_id")
