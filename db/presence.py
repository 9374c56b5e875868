"""The presence of a process that claims work: a lock in Postgres that goes with the process's connection.

A lease alone can't say so: it outlives its owner by as long as it runs. When a process dies, however it dies, the
system closes its connection, and Postgres lets go of the lock at once; when its machine dies, after SILENT_SECONDS.
"""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from db.engine import DatabaseAway, engine

_KIND = 20_567  # tells these locks from others of this database
LEASE_SECONDS = 30.0
"""How long a process's word holds that it is there; it gives it anew several times in between."""
SILENT_SECONDS = 30  # until Postgres closes the connection of a machine that says nothing any more

IS_PRESENT = f"""
    (hashtext(completions.owner) ::bigint & 4294967295 IN (
        SELECT l.objid ::bigint FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = {_KIND}
           AND l.objsubid = 2 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
     OR completions.lease_until < pg_postmaster_start_time() + interval '{LEASE_SECONDS} seconds')
"""
"""SQL: whether the owner of a row of `completions` may be there. Locks end with Postgres: who gave its word to the run
of it before this one counts as present until its lease ends, or it gives its word anew."""


class Presence:
    """One process's word that it is there, under the name by which it claims. Used from one thread at a time."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._connection: Connection | None = None

    def keep(self) -> None:
        """Begin to be present, or begin again after the database was away. Raises DatabaseAway.

        A connection that broke is made anew at once: until then we count as dead, and our calls as lost.
        """
        try:
            self._say()
        except DBAPIError:
            self.end()
            try:
                self._say()
            except DBAPIError as error:
                self.end()
                raise DatabaseAway(str(error.orig)) from error

    def _say(self) -> None:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute(text("SELECT 1"))

    def _connect(self) -> Connection:
        connection = engine().connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # back in the pool it would keep the lock
        waits = SILENT_SECONDS // 3
        for name, value in (("idle", waits), ("interval", waits // 2), ("count", 4)):
            connection.execute(text(f"SET tcp_keepalives_{name} = {value}"))
        # Shared, so that one whose connection broke never waits for what is left of itself.
        connection.execute(
            text("SELECT pg_advisory_lock_shared(:kind, hashtext(:owner))"), {"kind": _KIND, "owner": self._owner}
        )
        return connection

    def end(self) -> None:
        """Stop being present: what this process claimed is free."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
