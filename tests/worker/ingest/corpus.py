"""Broken and odd files, each with what must come out of it: the table that ingest and upload tests walk through."""

from tests.worker.ingest.cases.base import Case
from tests.worker.ingest.cases.columns import COLUMNS, MARKUP, VARIANTS
from tests.worker.ingest.cases.combinations import COMBINATIONS
from tests.worker.ingest.cases.containers import CONTAINERS
from tests.worker.ingest.cases.delimiters import DELIMITERS, LINE_ENDS
from tests.worker.ingest.cases.doubts import DOUBTS
from tests.worker.ingest.cases.encodings import ENCODINGS
from tests.worker.ingest.cases.header_contrast import HEADER_CONTRAST
from tests.worker.ingest.cases.headers import HEADERS
from tests.worker.ingest.cases.inner_quotes import INNER_QUOTES
from tests.worker.ingest.cases.more_encodings import MORE_ENCODINGS
from tests.worker.ingest.cases.not_products import NOT_PRODUCTS
from tests.worker.ingest.cases.numbers import NUMBERS
from tests.worker.ingest.cases.prices import PRICES
from tests.worker.ingest.cases.quotes import QUOTES
from tests.worker.ingest.cases.repeated import REPEATED
from tests.worker.ingest.cases.shapes import SHAPES
from tests.worker.ingest.cases.shop_exports import SHOP_EXPORTS
from tests.worker.ingest.cases.unreadable import UNREADABLE
from tests.worker.ingest.cases.wide_rows import WIDE_ROWS
from tests.worker.ingest.cases.workbooks import WORKBOOKS

__all__ = ["CASES", "Case"]

CASES: list[Case] = [
    *DELIMITERS,
    *LINE_ENDS,
    *QUOTES,
    *ENCODINGS,
    *MORE_ENCODINGS,
    *HEADERS,
    *HEADER_CONTRAST,
    *SHOP_EXPORTS,
    *SHAPES,
    *PRICES,
    *NUMBERS,
    *REPEATED,
    *CONTAINERS,
    *WIDE_ROWS,
    *INNER_QUOTES,
    *NOT_PRODUCTS,
    *DOUBTS,
    *WORKBOOKS,
    *COMBINATIONS,
    *COLUMNS,
    *VARIANTS,
    *MARKUP,
    *UNREADABLE,
]
"""Every case; those with `error` can't be read at all."""
