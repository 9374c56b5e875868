"""The migrations and the models describe the same tables."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from db import engine
from db.models import Base


def test_migrations_give_exactly_the_models(database):
    with engine.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
