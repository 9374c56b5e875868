"""Whose a thing is, who else sees it."""

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


def downgrade() -> None:
    for table in SERVES:
        op.execute(f"DROP TRIGGER {table}_inherit_owner ON {table}")
        op.execute(f"DROP FUNCTION {table}_inherit_owner()")
    for table in OWNED:
        op.drop_column(table, "owner")
