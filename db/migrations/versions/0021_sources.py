"""Jobs that learned from another dataset, and datasets that hold the items of several."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "datasets",
        sa.Column("joined_from", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("jobs", sa.Column("source_id", sa.Integer(), nullable=True))
    op.add_column("jobs", sa.Column("source_fingerprint", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_foreign_key("fk_jobs_source_id", "jobs", "datasets", ["source_id"], ["id"])
    op.create_index("ix_jobs_source_id", "jobs", ["source_id"])


def downgrade() -> None:
    op.drop_index("ix_jobs_source_id", "jobs")
    op.drop_constraint("fk_jobs_source_id", "jobs", type_="foreignkey")
    op.drop_column("jobs", "source_fingerprint")
    op.drop_column("jobs", "source_id")
    op.drop_column("datasets", "joined_from")
