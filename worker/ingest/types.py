"""The values that the steps of reading hand to each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict

from worker.files.formats import Compression, Kind

PROPOSED = ("id", "title", "description", "category", "brand", "price", "currency", "side")
"""What a column can be taken for by its header and content."""

FIELDS = (*PROPOSED, "weight", "date", "quantity")
"""What a column can mean. Only title is needed; that one holds weights or quantities only a person says: columns of
such names mostly hold the pounds of a product and what is in stock; and a date, because rows are divided by it."""

TEXT_FIELDS = {
    "id": "external_id",
    "title": "title",
    "description": "description",
    "category": "category",
    "brand": "brand",
}
"""Field of a mapping -> column of the frame of items."""

BATCH_ITEMS: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64,
    **dict.fromkeys(TEXT_FIELDS.values(), pl.String),
    "price": pl.Float64,
    "original_price": pl.Float64,  # of a price that was converted, as the file has it; else null
    "original_currency": pl.String,  # its code; else ""
    "weight": pl.Float64,  # above 0; null where the row has none that can be read
    "side": pl.String,  # a value of Split that the file says; null where it says none
    "date": pl.Date,  # null where the row has none that can be read
    "quantity": pl.Float64,  # above 0; null where no column holds quantities
}

BATCH_REJECTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64,  # the first one, where equal lines follow each other
    "raw": pl.String,
    "reason": pl.String,
    "count": pl.Int64,  # lines that say the same, from that one on
}


class Inspection(BaseModel):
    """How a file is to be read, and a first look at what is in it. JSON-able; overridable with `model_copy`."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    compression: Compression = ""
    encoding: str = ""  # a Python codec name; "" unless kind is csv, like the five below
    delimiter: str = ""  # one ASCII character; "" = the file has one column
    quote: str = ""  # one ASCII character; "" = quotes are ordinary characters
    escape: str = ""  # "\\" where quotes inside cells are written \" instead of ""
    skip_space: bool = False  # spaces after a delimiter do not belong to the cell
    newline: str = ""  # "\n", "\r\n" or "\r"; with "\r" every kind of line end counts
    sheet: str = ""  # of a workbook
    sheets: list[tuple[str, str]] = []  # of a workbook, in its order: name, and in words its size and if it is hidden
    header_line: int | None = None  # 1-based; None = no header, columns are named column_1 and so on
    preamble: list[str] = []  # text of the lines before the header (or before the data), which are not rows
    columns: list[str] = []  # unique, non-empty, in the order of the file
    preview: list[list[str]] = []  # the first rows, cell by cell as they stand in the file
    mapping: dict[str, str] = {}  # proposed: field -> column
    fits: dict[str, list[dict[str, Any]]] = {}  # field -> its likeliest columns: column, confidence, level, why
    unsure: dict[str, str] = {}  # field -> why a person has to say its column, without a full stop
    prices: list[dict[str, Any]] = []  # columns that may be the price: column, kind, filled (share), median
    parent: str = ""  # column by which rows without a title belong to a product above; "" = none do
    parent_of: str = ""  # column of the product that it names
    decimals: dict[str, Literal[".", ","]] = {}  # decimal sign of every column of prices whose text tells it
    currencies: dict[str, dict[str, Any]] = {}  # column of prices or currencies -> worker.currencies.Found as JSON
    undecided: dict[str, str] = {}  # column -> in words, how one of its cells reads with either sign: none tells which
    likelier: dict[str, dict[str, str]] = {}  # column of `undecided` -> "sign", the likelier one, and "why" it is
    ranges: dict[str, str] = {}  # column with ranges of prices -> one of them
    date_orders: dict[str, Literal["day", "month"]] = {}  # what comes first in each column of dates that tells it
    undecided_dates: dict[str, str] = {}  # as `undecided`, of columns of dates that do not tell it
    wide_rows: str = ""  # how rows with more cells than the header has names are read; loaded only when confirmed
    warnings: list[str] = []  # one sentence each
    forced: dict[str, Any] = {}  # what a person set instead of having it detected
    answers: dict[str, Any] = {}  # what a person said before loading (worker.datasets.answers)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some data rows, in the order of the file: each is in exactly one of the two frames."""

    items: pl.DataFrame  # BATCH_ITEMS; strings are never null
    rejects: pl.DataFrame  # BATCH_REJECTS
    mended: Mapping[str, int] = field(default_factory=dict)  # what was done to rows, in words -> number of rows
    notes: dict[tuple[str, str], int] = field(default_factory=dict)  # of its price cells: price_column.Note -> cells

    @property
    def rejected(self) -> int:
        """Rows that are rejects."""
        return int(self.rejects["count"].sum())

    @property
    def rows(self) -> int:
        return len(self.items) + self.rejected


@dataclass(frozen=True, slots=True)
class Reject:
    line: int
    raw: str
    reason: str
    count: int = 1  # of lines that follow each other and say the same


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows with the right number of cells, not yet understood, and those that have not."""

    frame: pl.DataFrame  # (n, columns) strings c0, c1, ...; null only from typed files
    lines: npt.NDArray[np.int64]  # (n,) 1-based line in the original file
    raw: Callable[[int], str]  # text of the i-th row as it stands in the file
    spoiled: dict[int, str]  # row -> reason, for rows that can't be used whatever their cells say
    rejects: list[Reject]
    numbers: dict[str, pl.Series] = field(default_factory=dict)  # column -> which of its cells the file calls numbers
    mended: Mapping[str, int] = field(default_factory=dict)  # as in Batch
    counts: npt.NDArray[np.int64] | None = None  # (n,) equal lines that each row stands for; None = one each


def names(width: int) -> list[str]:
    """Names of the columns of `Cells.frame`."""
    return [f"c{i}" for i in range(width)]
