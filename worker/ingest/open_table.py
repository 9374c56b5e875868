"""An open file, whichever of the three kinds it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from worker.ingest.csv_encoding import MARK
from worker.ingest.header import Layout
from worker.ingest.types import Cells, Inspection


@dataclass(frozen=True, slots=True)
class Table:
    """An open file: how it is read, what its beginning holds, and its rows on demand."""

    inspection: Inspection  # what concerns the way of reading is set, the rest is not
    layout: Layout
    cells: Callable[[Sequence[int]], Iterator[Cells]]  # of these columns at least, by position
    odd_records: Callable[[], Iterator[pl.DataFrame]] | None = None  # of a text: csv_rows.ODD_RECORDS
    question: str | None = None  # on rows of another width, for a person; "" = there is none, None = not looked into


def clean(text: str) -> str:
    """Text that may stand in a JSON column: Postgres refuses NUL there."""
    return text.replace("\0", "\u2400").replace(MARK, "\ufffd")
