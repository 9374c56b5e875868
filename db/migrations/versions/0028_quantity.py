"""The quantity of a row, by which its price is divided for techniques."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("quantity", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("items", "quantity")
