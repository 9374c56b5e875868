"""The migrations and the models describe the same tables."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from db import engine
from db.errors import NotReady
from db.models import Base


def test_migrations_give_exactly_the_models(database):
    with engine.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_database_of_a_newer_version_is_left_alone_with_a_sentence(database):
    with engine.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NotReady, match="made by a newer Pricewright; update"):
        engine.migrate()
