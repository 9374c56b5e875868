"""What was done to rows of a file so that they could become items, and to how many."""

from db.types import Dataset

PART = "mended"
"""Part of a profile: what was done, in words -> number of rows."""


def told(dataset: Dataset) -> list[str]:
    """One sentence for each way in which rows were mended, with their number in the whole file."""
    counts: dict[str, int] = dataset.profile.get(PART, {})
    rows = {what: "1 row was" if count == 1 else f"{count:,} rows were" for what, count in counts.items()}
    return [f"{rows[what]} mended: {what}." for what in counts]
