"""`python -m worker.health [--ready]`: `pricewright health` without loading the other verbs, for container checks."""

import sys

from db.errors import UserError
from db.settings import settings
from worker.health.ask import ask


def main(words: list[str]) -> int:
    """Exit code 0 for well, 1 for not; a sentence on stdout."""
    try:
        answer = ask(settings(), ready="--ready" in words)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    print(answer.sentence())
    return 0 if answer.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
