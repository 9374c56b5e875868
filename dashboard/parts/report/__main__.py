"""`python -m dashboard.parts.report`: writes the report that a JSON object on stdin asks for.

The command line is the room below this one and may not import it: it starts this as it starts the pages. Prints the
paths of what was written as a JSON list; what a person can put right is one sentence on stderr, with exit code 1.
"""

import json
import sys
from pathlib import Path

from dashboard.parts.report import files
from db.errors import UserError
from worker.evaluation.choice import Limits


def main() -> None:
    asked = json.load(sys.stdin)
    charts = asked["charts"]
    try:
        written = files.save(
            asked["jobs"],
            asked["measure"],
            Limits(**asked["limits"]),
            [Path(file) for file in asked["files"]],
            None if charts is None else Path(charts),
            weighted=asked["weighted"],
        )
    except UserError as error:
        sys.exit(str(error))
    print(json.dumps([str(path) for path in written]))


if __name__ == "__main__":
    main()
