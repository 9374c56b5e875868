"""The migrations and the models describe the same tables."""

import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from db import engine, migrations
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


def test_the_newest_version_is_the_one_that_alembic_ends_at(database):
    assert engine._version() == engine.newest_version()
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads() == [engine.newest_version()]


def test_a_database_that_is_up_to_date_is_left_to_itself_without_alembic(database, monkeypatch):
    monkeypatch.setitem(sys.modules, "alembic", None)  # importing it fails
    engine.migrate()
    with engine.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(ImportError):
        engine.migrate()
