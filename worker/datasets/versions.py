"""What a version of a dataset changed, in words."""

from db.types import Changes
from worker import amounts


def told(changes: Changes | None) -> str:
    """ "2 products added, 1 removed, 3 repriced, told by your id"; "nobody counted what changed"."""
    if changes is None:
        return "nobody counted what changed"
    by = "your id" if changes.by_id else "title and description"
    added = amounts.count(changes.added, "product")
    return f"{added} added, {changes.removed:,} removed, {changes.repriced:,} repriced, told by {by}"
