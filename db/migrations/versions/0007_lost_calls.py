"""Calls that were sent and brought no answer: what they may have cost, and whether a claimed one was sent at all."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(18, 12)


def _zero(name: str, kind: Any) -> "sa.Column[Any]":
    return sa.Column(name, kind, server_default=sa.text("0"), nullable=False)


def upgrade() -> None:
    op.add_column("jobs", _zero("lost_usd", _MONEY))
    op.add_column("jobs", _zero("lost_unpriced", sa.BigInteger()))
    op.add_column("completions", sa.Column("most_usd", _MONEY, nullable=True))
    op.add_column("completions", _zero("lost_usd", _MONEY))
    # What is under way counts as sent, as it was.
    op.alter_column("completions", "sent_at", nullable=True, server_default=None)
    op.drop_index("ix_completions_sent", "completions")
    op.create_index("ix_completions_sent", "completions", ["job_id"], postgresql_where=sa.text("state = 'sent'"))


def downgrade() -> None:
    op.drop_index("ix_completions_sent", "completions")
    op.create_index("ix_completions_sent", "completions", ["lease_until"], postgresql_where=sa.text("state = 'sent'"))
    op.execute("DELETE FROM completions WHERE state = 'lost'")
    op.execute("UPDATE completions SET sent_at = now() WHERE sent_at IS NULL")
    op.alter_column("completions", "sent_at", nullable=False, server_default=sa.func.now())
    op.drop_column("completions", "lost_usd")
    op.drop_column("completions", "most_usd")
    op.drop_column("jobs", "lost_unpriced")
    op.drop_column("jobs", "lost_usd")
