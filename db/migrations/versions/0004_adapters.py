"""Adapters with their files and history, the curves and checkpoints of trainings, and the wish to stop one."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TABLES = ("checkpoints", "training_points", "adapter_changes", "adapter_files", "adapters")


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _JSON, nullable=nullable)


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _job() -> tuple[sa.Column[Any], sa.ForeignKeyConstraint]:
    column = sa.Column("job_id", sa.Integer(), nullable=False)
    return column, sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("stop_asked", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "adapters",
        _text("id"),
        _text("task"),
        sa.Column("dataset_id", sa.Integer(), nullable=True),
        _text("dataset_name"),
        sa.Column("job_id", sa.Integer(), nullable=True),
        *(_text(name) for name in ("model", "base", "base_hash", "form")),
        _json("spec"),
        _text("fingerprint"),
        sa.Column("train_rows", sa.Integer(), nullable=False),
        _json("metrics"),
        _json("forgetting", nullable=True),
        sa.Column("usd", sa.Numeric(18, 9), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        _text("state"),
        _now("created_at"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_adapters_production", "adapters", ["task"], unique=True, postgresql_where=sa.text("state = 'production'")
    )
    op.create_table(
        "adapter_files",
        _text("adapter_id"),
        _text("name"),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["adapter_id"], ["adapters.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("adapter_id", "name"),
    )
    op.create_table(
        "adapter_changes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        *(_text(name) for name in ("adapter_id", "task", "before", "after", "who", "why")),
        sa.Column("overrides", sa.Text(), server_default=sa.text("''"), nullable=False),
        _now("at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_adapter_changes_adapter_id", "adapter_changes", ["adapter_id"])
    op.create_table(
        "training_points",
        *_job(),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        _text("kind"),
        _json("values"),
        _now("at"),
        sa.PrimaryKeyConstraint("job_id", "step", "kind"),
    )
    op.create_table(
        "checkpoints",
        *_job(),
        _text("part"),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "part"),
    )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    op.drop_column("jobs", "stop_asked")
