"""Tables of games in which a person guesses prices, and of the guesses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "games",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("rows", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_games"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_games_dataset_id", ondelete="CASCADE"),
    )
    op.create_index("ix_games_dataset_id", "games", ["dataset_id"])
    op.create_table(
        "guesses",
        sa.Column("game_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("price", sa.Double(), nullable=True),
        sa.Column("guessed_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("game_id", "row", name="pk_guesses"),
        sa.ForeignKeyConstraint(["game_id"], ["games.id"], name="fk_guesses_game_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("guesses")
    op.drop_table("games")
