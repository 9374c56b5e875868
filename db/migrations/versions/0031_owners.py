"""Whose a thing is, who else sees it, and tokens that act for people."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

OWNED = (
    "adapters",
    "datasets",
    "endpoints",
    "games",
    "jobs",
    "knowledge_bases",
    "pricer_batches",
    "pricers",
    "prompts",
    "saved_verdicts",
    "scenarios",
)
# What workers make by themselves belongs to whoever owns what it serves: table -> (where that is, under which column).
SERVES = {
    "adapters": ("jobs", "job_id"),
    "datasets": ("datasets", "made_from"),
    "jobs": ("datasets", "dataset_id"),
    "knowledge_bases": ("datasets", "dataset_id"),
    "pricer_batches": ("pricers", "pricer_id"),
}

SHARED = ("datasets", "pricers", "prompts")
_MINE = "owner IN ('', current_setting('pricewright.person', true))"
_SHARED_WITH_ME = "shared_with && (SELECT current_setting('pricewright.names', true)::text[])"
_OF_DATASET = "dataset_id IN (SELECT id FROM datasets)"
_OF_JOB = "job_id IN (SELECT id FROM jobs)"
_OF_BASE = "base_id IN (SELECT id FROM knowledge_bases)"
_OF_ADAPTER = "adapter_id IN (SELECT id FROM adapters)"
# Table -> which of its rows a person sees. It holds for those who act as the role of db/visibility.py only: workers and
# admins don't. What is shared is in the first three; all else follows the thing that it belongs to.
SEEN = {
    **dict.fromkeys(SHARED, f"{_MINE} OR {_SHARED_WITH_ME}"),
    **dict.fromkeys(
        (
            "artifacts",
            "comparisons",
            "games",
            "items",
            "jobs",
            "knowledge_bases",
            "price_decisions",
            "query_vectors",
            "rejects",
            "saved_verdicts",
            "scenarios",
        ),
        _OF_DATASET,
    ),
    **dict.fromkeys(
        ("batches", "checkpoints", "chunks", "completions", "predictions", "results", "training_points"), _OF_JOB
    ),
    **dict.fromkeys(("knowledge_items", "knowledge_removed"), _OF_BASE),
    "adapters": f"{_MINE} OR {_OF_DATASET}",
    **dict.fromkeys(("adapter_changes", "adapter_files"), _OF_ADAPTER),
    "guesses": "game_id IN (SELECT id FROM games)",
    "pricer_batches": f"{_MINE} OR {_OF_DATASET} OR pricer_id IN (SELECT id FROM pricers)",
}


def upgrade() -> None:
    for table in OWNED:
        # Rows of before belong to nobody: everybody sees them, as before.
        op.add_column(table, sa.Column("owner", sa.Text(), server_default=sa.text("''"), nullable=False))
        op.alter_column(
            table, "owner", server_default=sa.text("coalesce(current_setting('pricewright.person', true), '')")
        )
    for table, (served, column) in SERVES.items():
        op.execute(
            f"""CREATE FUNCTION {table}_inherit_owner() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                NEW.owner := coalesce((SELECT owner FROM {served} WHERE id = NEW.{column}), '');
                RETURN NEW;
            END $$"""
        )
        op.execute(
            f"""CREATE TRIGGER {table}_inherit_owner BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.owner = '')
                EXECUTE FUNCTION {table}_inherit_owner()"""
        )
    for table in SHARED:
        # person:NAME, group:NAME, everybody
        op.add_column(
            table, sa.Column("shared_with", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
        )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("sha256", name="uq_tokens_sha256"),
    )
    for table, seen in SEEN.items():
        op.execute(f"CREATE POLICY seen ON {table} USING ({seen})")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_table("tokens")
    for table in SEEN:
        op.execute(f"DROP POLICY seen ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table in SHARED:
        op.drop_column(table, "shared_with")
    for table in SERVES:
        op.execute(f"DROP TRIGGER {table}_inherit_owner ON {table}")
        op.execute(f"DROP FUNCTION {table}_inherit_owner()")
    for table in OWNED:
        op.drop_column(table, "owner")
