"""Prompts, endpoints, stored completions and batches; caps and what hosted calls took on jobs, chunks, predictions."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=True)


def _text(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), server_default=sa.text(default) if default else None, nullable=False)


def _zero(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, server_default=sa.text("0"), nullable=False)


_FINE = sa.Numeric(18, 12)
_JSON = postgresql.JSONB(astext_type=sa.Text())

_ADDED: dict[str, list[sa.Column[Any]]] = {
    "jobs": [sa.Column("cap_usd", sa.Numeric(18, 9), nullable=True), _zero("spent_usd", _FINE)],
    "chunks": [
        _zero("furthest", sa.BigInteger()),
        _time("not_before"),
        _zero("reserved_usd", _FINE),
        _zero("tokens_in", sa.BigInteger()),
        _zero("tokens_out", sa.BigInteger()),
        _zero("saved_usd", _FINE),
        _zero("unknown_costs", sa.BigInteger()),
        _zero("retries", sa.BigInteger()),
        _zero("rate_limit_waits", sa.BigInteger()),
        _zero("waited_seconds", sa.Double()),
    ],
    "predictions": [_zero("tokens_cached", sa.Integer()), _zero("saved_usd", _FINE)],
}


def upgrade() -> None:
    for table, columns in _ADDED.items():
        for column in columns:
            op.add_column(table, column)
    op.alter_column("predictions", "usd", nullable=True)
    op.create_table(
        "prompts",
        _text("name"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        _text("system"),
        _text("template"),
        _text("note", "''"),
        _now("created_at"),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_prompts")),
    )
    op.create_table(
        "endpoints",
        _text("name"),
        _text("base_url"),
        _text("api_version", "''"),
        _text("key_env", "''"),
        _text("provider", "''"),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("max_concurrency", sa.Integer(), server_default=sa.text("64"), nullable=False),
        sa.Column("timeout_seconds", sa.Double(), server_default=sa.text("60"), nullable=False),
        sa.Column("models", _JSON, server_default=sa.text("'[]'"), nullable=False),
        _time("tested_at"),
        _now("created_at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_endpoints")),
    )
    op.create_table(
        "completions",
        _text("hash"),
        _text("endpoint"),
        _text("model"),
        sa.Column("request", _JSON, nullable=False),
        _text("state"),
        sa.Column("owner", sa.Text(), nullable=True),
        _time("lease_until"),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("row", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("response", _JSON, nullable=True),
        _zero("tokens_in", sa.Integer()),
        _zero("tokens_cached", sa.Integer()),
        _zero("tokens_out", sa.Integer()),
        sa.Column("usd", _FINE, nullable=True),
        _zero("seconds", sa.Double()),
        _now("sent_at"),
        _time("done_at"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_completions")),
    )
    op.create_index("ix_completions_job_id", "completions", ["job_id", "row"])
    op.create_index("ix_completions_sent", "completions", ["lease_until"], postgresql_where=sa.text("state = 'sent'"))
    op.create_table(
        "batches",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("chunk_id", sa.BigInteger(), nullable=True),
        _text("endpoint"),
        _text("model"),
        _text("token"),
        sa.Column("remote_id", sa.Text(), nullable=True),
        _text("state"),
        sa.Column("requests", sa.Integer(), nullable=False),
        _zero("answered", sa.Integer()),
        sa.Column("error", sa.Text(), nullable=True),
        _now("created_at"),
        _time("polled_at"),
        _time("finished_at"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_batches_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index(op.f("ix_batches_job_id"), "batches", ["job_id"])


def downgrade() -> None:
    for table in ("batches", "completions", "endpoints", "prompts"):
        op.drop_table(table)
    op.execute("UPDATE predictions SET usd = 0 WHERE usd IS NULL")
    op.alter_column("predictions", "usd", nullable=False)
    for table, columns in _ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)
