"""The weights of a dataset's rows: how much each counts in measures, where a column says it."""

from collections.abc import Sequence

from db import datasets
from db.engine import Session
from db.types import Dataset
from worker import amounts


def column(dataset: Dataset) -> str:
    """The column of the file that holds them; "" where all rows count alike."""
    return dataset.mapping.get("weight", "")


def of_rows(session: Session, dataset: Dataset, rows: Sequence[int]) -> list[float] | None:
    """The weight of each of the rows, in their order; None where all count alike."""
    return datasets.weights_of(session, dataset.id, rows) if column(dataset) else None


def gaps(dataset: Dataset) -> str:
    """A sentence about the rows whose weight could not be read; "" where there are none."""
    name, missing = column(dataset), dataset.profile.get("missing", {}).get("weight", 0)
    if not name or not missing:
        return ""
    are = "is" if missing == 1 else "are"
    return (
        f"{amounts.count(missing, 'row')} of {dataset.items:,} {are} without a positive number in the column {name}: "
        "each weighs 1."
    )
