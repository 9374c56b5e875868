"""Keys of endpoints that somebody entered, encrypted."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "endpoint_keys",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("endpoint", name="pk_endpoint_keys"),
        sa.ForeignKeyConstraint(["endpoint"], ["endpoints.name"], name="fk_endpoint_keys_endpoint", ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("endpoint_keys")
