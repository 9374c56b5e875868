"""Broken and odd files, each with what must come out of it: the table that ingest and upload tests walk through."""

from tests.worker.ingest.cases.base import Case
from tests.worker.ingest.cases.containers import CONTAINERS
from tests.worker.ingest.cases.delimiters import DELIMITERS, LINE_ENDS
from tests.worker.ingest.cases.encodings import ENCODINGS
from tests.worker.ingest.cases.headers import HEADERS
from tests.worker.ingest.cases.prices import PRICES
from tests.worker.ingest.cases.quotes import QUOTES
from tests.worker.ingest.cases.repeated import REPEATED
from tests.worker.ingest.cases.shapes import SHAPES
from tests.worker.ingest.cases.unreadable import UNREADABLE

__all__ = ["CASES", "Case"]

CASES: list[Case] = [
    *DELIMITERS,
    *LINE_ENDS,
    *QUOTES,
    *ENCODINGS,
    *HEADERS,
    *SHAPES,
    *PRICES,
    *REPEATED,
    *CONTAINERS,
    *UNREADABLE,
]
"""Every case; those with `error` can't be read at all."""
