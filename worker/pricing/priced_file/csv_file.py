"""Writes the lines of a text as they stand, with cells appended at the end of each row."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from db.errors import UserError
from worker.files.formats import Compression
from worker.ingest import csv_encoding, csv_rows, read
from worker.ingest.file_kind import open_bytes
from worker.ingest.header import Layout
from worker.ingest.open_table import Table
from worker.ingest.types import Inspection
from worker.pricing.priced_file import raw_lines
from worker.pricing.priced_file.appended import decimal_sign, money, names_beside, plain

_DELIMITERS = ",;\t|\x1f"
"""What stands between cells that are appended to a file of one column: the first that is nowhere in it."""

_Suffixes = Callable[[int, int], list[str]]


def write(source: Path, inspection: Inspection, price_column: str, lines: pl.DataFrame, target: Path) -> None:
    """Write `source` to `target` with the cells of `lines` (appended.LINES) at the end of their rows.

    No byte of hers is changed. Lines that are no rows (blank ones, what stands above the header) stay as they are. A
    row with too few cells gets empty ones, so that ours stand in their columns; a quote that was never closed is closed
    behind the line, or it would swallow what is appended. Raises UserError, UnreadableFile.
    """
    table = read.open_as(source, inspection)
    with open_bytes(source, inspection.compression) as stream:
        code = raw_lines.code_of(inspection.encoding, inspection.newline, stream.read(4))
    raw_lines.check(source, inspection.compression, inspection.encoding, inspection.newline, code)
    at, suffixes = _suffixes(source, table, inspection, price_column, lines)
    with open_bytes(source, inspection.compression) as stream, _writing(target, inspection.compression) as out:
        number = 1
        for data, ends in raw_lines.blocks(stream, code):
            first, behind = np.searchsorted(at, [number, number + len(ends)])
            position, pieces = 0, list[bytes]()
            places = ends[at[first:behind] - number].tolist()
            for place, suffix in zip(places, suffixes(int(first), int(behind)), strict=True):
                pieces += (data[position:place], suffix.encode(code.encoding, "replace"))
                position = place
            out.write(b"".join([*pieces, data[position:]]))
            number += len(ends)


def _suffixes(
    source: Path, table: Table, inspection: Inspection, price_column: str, lines: pl.DataFrame
) -> tuple[npt.NDArray[np.int64], _Suffixes]:
    """The lines behind which something is appended, in order, and what: a function of the first and the one behind the
    last of their places in that order."""
    layout = table.layout
    signs = _Signs(
        inspection.delimiter or _free_delimiter(source, inspection),
        inspection.quote,
        inspection.escape,
        decimal_sign(dict(inspection.decimals), price_column),
    )
    assert table.odd_records is not None
    odd = pl.concat([pl.DataFrame(schema=csv_rows.ODD_RECORDS), *table.odd_records()])
    if odd["is_wrapped"].any():
        raise UserError(
            "Whole lines of this file stand in quotes, so nothing can be written beside its cells; save it as CSV once "
            "more, load that and price it."
        )
    span = span_of(layout, odd)
    placed = lines.join(odd, on="line", how="left", maintain_order="left").with_columns(
        last_line=pl.coalesce("last_line", "line"),
        missing=(span - pl.col("width").fill_null(len(layout.columns))).clip(0),
        is_open=pl.col("is_open").fill_null(False),
    )
    at = placed["last_line"].to_numpy()
    if layout.header_line is None:
        return at, lambda first, behind: signs.of_rows(placed.slice(first, behind - first))
    missing = 0 if _names_all_but_rows(layout.columns, layout.header) else span - len(layout.header)
    header = signs.of_header(names_beside([*layout.columns, *layout.header]), missing)

    def with_header(first: int, behind: int) -> list[str]:
        rows = placed.slice(max(first - 1, 0), behind - max(first, 1)) if behind > 1 else placed.clear()
        return [header] * (first == 0 < behind) + signs.of_rows(rows)

    return np.concatenate([[layout.skip_lines], at]), with_header


def span_of(layout: Layout, odd: pl.DataFrame) -> int:
    """The cells in front of those that are appended: those of the longest row that is one."""
    mended = odd.filter("is_mended")["width"].max() or 0
    return max(len(layout.columns), len(layout.header), int(cast("int", mended)))


def _names_all_but_rows(columns: list[str], header: object) -> bool:
    """Whether the header leaves out the name of the first column, as R writes it: it goes on one cell short."""
    cells = [" ".join(cell.split()) for cell in cast("list[str]", header)]
    return len(columns) == len(cells) + 1 and columns[0] == "column_1" and bool(cells) and cells[0] == columns[1]


def _free_delimiter(source: Path, inspection: Inspection) -> str:
    used: set[str] = set()
    with open_bytes(source, inspection.compression) as stream:
        for block in csv_encoding.blocks(stream, inspection.encoding, inspection.newline):
            used |= {sign for sign in _DELIMITERS if sign.encode() in block}
    return next((sign for sign in _DELIMITERS if sign not in used), _DELIMITERS[-1])


@dataclass(frozen=True, slots=True)
class _Signs:
    """How the file writes cells."""

    delimiter: str
    quote: str
    escape: str
    decimal: str

    def of_rows(self, rows: pl.DataFrame) -> list[str]:
        """What stands behind each row."""
        if rows.is_empty():
            return []
        cells = [self._cells(money(rows[name], self._decimal)) for name in ("price", "low", "high")]
        cells += [self._cells(plain(rows[name])) for name in ("flag", "reason")]
        closing = pl.when(rows["is_open"]).then(pl.lit(self.quote)).otherwise(pl.lit(""))
        # No row lacks so many cells that repeating them one by one would show.
        missing = pl.Series([self.delimiter * n for n in rows["missing"]], dtype=pl.String)
        parts = [part for cell in cells for part in (pl.lit(self.delimiter), pl.lit(cell))]
        return pl.select(pl.concat_str(closing, pl.lit(missing), *parts)).to_series().to_list()

    def of_header(self, names: list[str], missing: int) -> str:
        return self.delimiter * missing + "".join(self.delimiter + name for name in self._cells(pl.Series(names)))

    @property
    def _decimal(self) -> str:
        """Without quotes a number can't hold what stands between cells."""
        return "." if self.decimal == self.delimiter and not self.quote else self.decimal

    def _cells(self, texts: pl.Series) -> pl.Series:
        if not self.quote:
            return texts.str.replace_all(self.delimiter, "_" if self.delimiter == " " else " ", literal=True)
        special = texts.str.contains(self.delimiter, literal=True) | texts.str.contains(self.quote, literal=True)
        if self.escape:
            special |= texts.str.contains(self.escape, literal=True)
        if not special.any():
            return texts
        inside = texts
        if self.escape:
            inside = inside.str.replace_all(self.escape, 2 * self.escape, literal=True)
        inside = inside.str.replace_all(self.quote, (self.escape or self.quote) + self.quote, literal=True)
        quoted = pl.lit(self.quote) + pl.lit(inside) + pl.lit(self.quote)
        return pl.select(pl.when(special).then(quoted).otherwise(pl.lit(texts))).to_series()


@contextmanager
def _writing(target: Path, compression: Compression) -> Iterator[BinaryIO]:
    with target.open("wb") as file:
        if not compression:
            yield file
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed:
            yield cast("BinaryIO", packed)
