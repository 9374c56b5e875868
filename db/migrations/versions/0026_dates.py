"""The date of each item, by which a dataset can be divided and errors are told by period."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("date", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("items", "date")
