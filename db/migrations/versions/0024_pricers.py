"""Pricers, their history, and the files that they priced."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def _time(name: str, *, now: bool = False) -> "sa.Column[object]":
    kind = postgresql.TIMESTAMP(timezone=True)
    return sa.Column(name, kind, server_default=sa.func.now(), nullable=False) if now else sa.Column(name, kind)


def _text(name: str, *, default: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), server_default=sa.text("''") if default else None, nullable=False)


def upgrade() -> None:
    op.create_table(
        "pricers",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("name"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("state"),
        _text("description", default=True),
        sa.Column("spec", postgresql.JSONB(), nullable=False),
        _text("spec_hash"),
        sa.Column("source_id", sa.Integer(), nullable=False),
        _text("source_fingerprint"),
        sa.Column("job_id", sa.Integer()),
        sa.Column("verdict_id", sa.Integer()),
        sa.Column("promise", postgresql.JSONB(), nullable=False),
        sa.Column("hit_rate", sa.Double()),
        sa.Column("within", sa.Double()),
        sa.Column("best_before", sa.Date()),
        _text("created_by"),
        _time("created_at", now=True),
        sa.PrimaryKeyConstraint("id", name="pk_pricers"),
        sa.UniqueConstraint("name", "version", name="uq_pricers_name_version"),
        sa.ForeignKeyConstraint(["source_id"], ["datasets.id"], name="fk_pricers_source_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_pricers_job_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["verdict_id"], ["saved_verdicts.id"], name="fk_pricers_verdict_id", ondelete="SET NULL"
        ),
    )
    op.create_index("uq_pricers_in_use", "pricers", ["name"], unique=True, postgresql_where=sa.text("state = 'in use'"))
    for column in ("source_id", "job_id", "verdict_id"):
        op.create_index(f"ix_pricers_{column}", "pricers", [column])
    op.create_table(
        "pricer_changes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        _text("name"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("before"),
        _text("after"),
        _text("who"),
        _text("why"),
        _text("overrides", default=True),
        _time("at", now=True),
        sa.PrimaryKeyConstraint("id", name="pk_pricer_changes"),
    )
    op.create_index("ix_pricer_changes_name", "pricer_changes", ["name"])
    op.create_table(
        "pricer_batches",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("pricer_name"),
        sa.Column("pricer_id", sa.Integer()),
        _text("file_name"),
        _text("file_sha256"),
        _text("folder", default=True),
        _text("target", default=True),
        _text("state"),
        sa.Column("error", sa.Text()),
        sa.Column("dataset_id", sa.Integer()),
        sa.Column("job_id", sa.Integer()),
        *(
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for name in ("rows", "rejects", "flagged", "unlike")
        ),
        sa.Column("usd", sa.Numeric(18, 12)),
        sa.Column("truth", postgresql.JSONB()),
        _time("created_at", now=True),
        _time("finished_at"),
        sa.PrimaryKeyConstraint("id", name="pk_pricer_batches"),
        sa.ForeignKeyConstraint(["pricer_id"], ["pricers.id"], name="fk_pricer_batches_pricer_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name="fk_pricer_batches_dataset_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_pricer_batches_job_id", ondelete="SET NULL"),
    )
    op.create_index(
        "uq_pricer_batches_taken",
        "pricer_batches",
        ["pricer_name", "file_sha256"],
        unique=True,
        postgresql_where=sa.text("folder <> ''"),
    )
    for column in ("pricer_id", "dataset_id", "job_id"):
        op.create_index(f"ix_pricer_batches_{column}", "pricer_batches", [column])


def downgrade() -> None:
    for table in ("pricer_batches", "pricer_changes", "pricers"):
        op.drop_table(table)
