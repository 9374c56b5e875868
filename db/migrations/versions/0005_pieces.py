"""Files of adapters and checkpoints in pieces, since they may be larger than a value; what is there becomes piece 0."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEYS = {"adapter_files": ["adapter_id", "name"], "checkpoints": ["job_id", "part"]}


def _key(table: str, columns: list[str]) -> None:
    op.drop_constraint(f"pk_{table}", table, type_="primary")
    op.create_primary_key(f"pk_{table}", table, columns)


def upgrade() -> None:
    for table, key in _KEYS.items():
        op.add_column(table, sa.Column("piece", sa.Integer(), server_default=sa.text("0"), nullable=False))
        op.alter_column(table, "piece", server_default=None)
        _key(table, [*key, "piece"])


def downgrade() -> None:
    """Puts the pieces together; refused, with everything left as it was, where a file of 1 GB or more is there."""
    for table, key in _KEYS.items():
        same = " AND ".join(f"a.{name} = b.{name}" for name in key)
        op.execute(
            f"""UPDATE {table} a SET payload =
                    (SELECT string_agg(b.payload, ''::bytea ORDER BY b.piece) FROM {table} b WHERE {same})
                WHERE a.piece = 0 AND EXISTS (SELECT 1 FROM {table} b WHERE {same} AND b.piece > 0)"""
        )
        op.execute(f"DELETE FROM {table} WHERE piece > 0")
        _key(table, key)
        op.drop_column(table, "piece")
