"""The queue of jobs whose models answer behind an endpoint is called endpoint, as everywhere else; it was hosted.

Messages that lie in the old queue reach nobody; the sweeper sends those chunks again.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename("hosted", "endpoint")


def downgrade() -> None:
    _rename("endpoint", "hosted")


def _rename(before: str, after: str) -> None:
    op.execute(f"UPDATE jobs SET queue = '{after}' WHERE queue = '{before}'")
    op.execute(f"UPDATE workers SET queues = array_replace(queues, '{before}', '{after}')")
