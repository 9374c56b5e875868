"""How Alembic reaches the database: through our engine, in one transaction, one migrator at a time."""

from alembic import context
from sqlalchemy import text

from db.engine import engine
from db.models import Base

with engine().connect() as connection:
    # Several processes may start at once; the second waits here and then finds nothing to do.
    connection.execute(text("SELECT pg_advisory_lock(7235711)"))
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("SELECT pg_advisory_unlock(7235711)"))
    connection.commit()
