"""What people did, kept for good; what their jobs cost by month; whose turn it is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("thing_id", sa.Text(), nullable=False),
        sa.Column("thing_name", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("usd", sa.Numeric(18, 9), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index("ix_audit_log_person_at", "audit_log", ["person", "at"])
    op.execute(
        """CREATE FUNCTION audit_log_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'The audit log is only added to; nobody changes or deletes what stands in it.';
        END $$"""
    )
    op.execute(
        """CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
           FOR EACH STATEMENT EXECUTE FUNCTION audit_log_stays()"""
    )
    op.create_table(
        "spendings",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("usd", sa.Numeric(18, 12), nullable=False),
        sa.PrimaryKeyConstraint("person", "month", "job_id", name="pk_spendings"),
    )

    # Whatever books money on a job counts in its owner's month, and goes on to when the job is deleted.
    op.execute(
        """CREATE FUNCTION jobs_spending() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO spendings (person, month, job_id, usd)
            VALUES (NEW.owner, date_trunc('month', now() AT TIME ZONE 'UTC')::date, NEW.id,
                    NEW.spent_usd - OLD.spent_usd)
            ON CONFLICT (person, month, job_id) DO UPDATE SET usd = spendings.usd + excluded.usd;
            RETURN NULL;
        END $$"""
    )
    op.execute(
        """CREATE TRIGGER jobs_spending AFTER UPDATE OF spent_usd ON jobs FOR EACH ROW
           WHEN (NEW.owner <> '' AND NEW.spent_usd <> OLD.spent_usd) EXECUTE FUNCTION jobs_spending()"""
    )

    # Under the role of db/visibility.py a person reads of both only what is her own.
    for table in ("audit_log", "spendings"):
        op.execute(f"CREATE POLICY seen ON {table} USING (person = current_setting('pricewright.person', true))")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.create_index("ix_chunks_started_at", "chunks", ["started_at"])


def downgrade() -> None:
    op.drop_index("ix_chunks_started_at", "chunks")
    op.execute("DROP TRIGGER jobs_spending ON jobs")
    op.execute("DROP FUNCTION jobs_spending()")
    op.drop_table("spendings")
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION audit_log_stays()")
