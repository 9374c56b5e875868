"""The currency of a dataset's prices, and what a converted price was before."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("currency", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.execute("UPDATE datasets SET currency = 'USD' WHERE is_synthetic")
    op.add_column("items", sa.Column("original_price", sa.Double(), nullable=True))
    op.add_column("items", sa.Column("original_currency", sa.Text(), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    op.drop_column("items", "original_currency")
    op.drop_column("items", "original_price")
    op.drop_column("datasets", "currency")
