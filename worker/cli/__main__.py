"""`python -m worker.cli` is `pricewright`: looks at the settings, then runs the verb."""

import sys

from db.errors import InvalidSetting
from db.settings import settings


def main() -> None:
    """Entry point; exit codes as worker.cli.main."""
    try:
        settings()  # before the imports below, which read them
    except InvalidSetting as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    from worker.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
