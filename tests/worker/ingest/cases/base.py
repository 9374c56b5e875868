"""A case of a file to read, and how its bytes are made."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

Item = tuple[str, str, float | None]
"""external_id, title, price"""


@dataclass(frozen=True)
class Case:
    name: str
    file_name: str
    made: bytes | Callable[[], bytes]  # a function where making it takes long
    items: list[Item] = field(default_factory=list)
    rejects: dict[int, str] = field(default_factory=dict)  # line -> what the reason contains; complete
    error: str = ""  # a part of the sentence, when the file can't be read at all
    more: dict[str, list[str]] = field(default_factory=dict)  # other columns of the items, complete
    mapping: dict[str, str] = field(default_factory=dict)  # what a user changes in the proposed mapping
    header_line: int | None = 1
    wide: bool = False  # rows have more cells than the header has names: somebody has to confirm that
    told: list[str] = field(default_factory=list)  # parts of what the look tells, complete sentences or not
    lower_ends: bool = False  # what a person says of ranges of prices
    stops: str = ""  # a part of the sentence, when the load stops half-way
    unsure: tuple[str, ...] | None = None  # fields whose column a person has to say; None = whichever
    decimal: Literal[".", ","] | None = None  # what a person says where the prices have two readings

    @cached_property
    def data(self) -> bytes:
        return self.made if isinstance(self.made, bytes) else self.made()


HEAD = "id,title,price"
LAMP, MUG, RUG = ("a1", "Desk lamp", 12.5), ("a2", "Blue mug", 7.0), ("a3", "Wool rug", 99.99)
THREE: list[Item] = [LAMP, MUG, RUG]
ROWS = ["a1,Desk lamp,12.50", "a2,Blue mug,7", "a3,Wool rug,99.99"]


def lines(*rows: str, end: str = "\n", encoding: str = "utf-8") -> bytes:
    return (end.join(rows) + end).encode(encoding)


def workbook(*sheets: tuple[str, Sequence[Sequence[object]]], hidden: Sequence[str] = ()) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for i, row in enumerate(rows):
                for j, value in enumerate(row):
                    if value is not None:
                        sheet.write(i, j, value)
    return buffer.getvalue()


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def arrow_parquet(**columns: pa.Array) -> bytes:
    """For types that Polars has not."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def no_utf8(*cells: bytes) -> pa.Array:
    """A column that says it is text; Parquet does not see to it that it is."""
    return pa.Array.from_buffers(pa.string(), len(cells), pa.array(cells).buffers())


def workbook_part(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with another content of one part."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return buffer.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def priced(*cells: str, delimiter: str = "\t", title: str = "Thing") -> bytes:
    """A file whose only oddity are its prices."""
    rows = [delimiter.join([f"p{i}", f"{title} {i}", cell]) for i, cell in enumerate(cells)]
    return lines(delimiter.join(["id", "title", "price"]), *rows)


def things(*prices: float | None) -> list[Item]:
    return [(f"p{i}", f"Thing {i}", price) for i, price in enumerate(prices)]


PLAIN = lines(HEAD, *ROWS)
