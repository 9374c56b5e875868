"""What people decided about prices that look wrong, and which dataset another one was made from."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_decisions",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("price", sa.Double(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name="fk_price_decisions_dataset_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "row", name="pk_price_decisions"),
    )
    op.add_column("datasets", sa.Column("made_from", sa.Integer(), nullable=True))
    op.create_foreign_key("fk_datasets_made_from", "datasets", "datasets", ["made_from"], ["id"], ondelete="SET NULL")


def downgrade() -> None:
    op.drop_constraint("fk_datasets_made_from", "datasets", type_="foreignkey")
    op.drop_column("datasets", "made_from")
    op.drop_table("price_decisions")
