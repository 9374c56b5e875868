"""`python -m db.migrations`: bring the database to the newest migration; an embedded one is started for it."""

import sys

from db import engine
from db.errors import NotReady
from db.servers import embedded
from db.servers.permissions import keep_private
from db.settings import settings


def main() -> None:
    keep_private()
    started = embedded.ensure(settings(), die_with_parent=True)
    try:
        engine.migrate()
    except NotReady as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    finally:
        engine.engine().dispose()
        for server in reversed(started):
            server.stop()


if __name__ == "__main__":
    main()
