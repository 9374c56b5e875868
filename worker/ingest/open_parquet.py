"""Opens a Parquet file."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from db.errors import UnreadableFile
from worker.files.formats import Compression
from worker.ingest.header import Layout, Row
from worker.ingest.open_table import Table, clean
from worker.ingest.types import Cells, Inspection

_ROWS = 50_000
_BYTES_AT_ONCE = 64 << 20
_SAMPLE = 300
_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)  # the last: names of columns
_WHOLE = 2.0**53  # up to here a float is exactly the whole number that it shows


def open_parquet(path: Path, compression: Compression, forced: dict[str, Any]) -> Table:
    """Open a Parquet file; lines are row numbers, from 1. Typed columns become text: it costs a little, and prices are
    checked in one place. Raises UnreadableFile."""
    del compression, forced  # it packs by itself, and leaves nothing open
    try:
        file = pq.ParquetFile(path)
        columns = list(file.schema_arrow.names)
        if len(set(columns)) < len(columns) or not all(columns):
            raise UnreadableFile("The Parquet file has columns without a name or with the same name; rename them.")
        head = next(iter(file.iter_batches(_SAMPLE)), None)
        sample, _ = _text(head, range(len(columns))) if head is not None else (pl.DataFrame(), set())
    except MemoryError:
        raise  # pyarrow's would count as a broken file below
    except _BROKEN as error:
        raise UnreadableFile("The Parquet file is broken or cut off.") from error
    numbers = frozenset(i for i, kind in enumerate(file.schema_arrow.types) if _is_number(kind))
    rows = [Row(i + 1, [clean(cell or "") for cell in cells], numbers=numbers) for i, cells in enumerate(sample.rows())]

    # A text that many rows share is stored once: a file of a few kilobytes can hold rows of a megabyte each.
    size = head.nbytes // len(head) + 1 if head is not None and len(head) else 1
    rows_at_once = min(_ROWS, max(_SAMPLE, _BYTES_AT_ONCE // size))

    def cells(wanted: Sequence[int]) -> Iterator[Cells]:
        line = 1
        try:
            for batch in pq.ParquetFile(path).iter_batches(rows_at_once, columns=[columns[i] for i in wanted]):
                # Arrow gives the columns in the order of the file, whatever was asked for.
                positions = [columns.index(name) for name in batch.schema.names]
                frame, odd = _text(batch, positions)
                yield _cells(frame.fill_null(""), odd, line, [f"c{i}" for i in positions if i in numbers])
                line += len(frame)
        except MemoryError:
            raise
        except _BROKEN as error:
            raise UnreadableFile(f"The Parquet file is broken after row {line - 1:,}.") from error

    inspection = Inspection(kind="parquet")
    return Table(inspection, Layout(None, 0, [], columns, rows), cells)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _cells(frame: pl.DataFrame, odd: set[int], line: int, numbers: Sequence[str]) -> Cells:
    has_nul = frame.select(pl.any_horizontal(pl.all().str.contains("\0", literal=True))).to_series()
    return Cells(
        frame,
        np.arange(line, line + len(frame), dtype=np.int64),
        lambda row: clean("\t".join(frame.row(row))),
        dict.fromkeys(np.flatnonzero(has_nul.to_numpy()).tolist(), "the row has NUL characters")
        | dict.fromkeys(sorted(odd), "a cell of the row is no text and can't be written as one"),
        [],
        dict.fromkeys(numbers, pl.repeat(True, len(frame), eager=True)),
    )


def _text(batch: pa.RecordBatch, positions: Sequence[int]) -> tuple[pl.DataFrame, set[int]]:
    """Every cell as text, null where there is none, and the rows with a cell that has no text."""
    texts, odd = {}, set[int]()
    for i, array in zip(positions, batch.columns, strict=True):
        texts[f"c{i}"], rows = _as_text(array)
        odd.update(rows)
    return pl.DataFrame(texts), odd


def _as_text(array: pa.Array) -> tuple[pl.Series, list[int]]:
    """A column as text, and the rows at which it has none: the format does not see to it that text is UTF-8."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if any(is_kind(array.type) for is_kind in _BYTES):
        data = pl.Series(pl.from_arrow(array.cast(pa.large_binary())))
        try:
            return data.cast(pl.String), []
        except pl.exceptions.ComputeError:
            return _one_by_one(data, _decoded)
    if any(is_kind(array.type) for is_kind in _PLAIN):
        try:
            return _plain(pl.Series(pl.from_arrow(array))), []
        except pl.exceptions.PanicException:  # a time of the year 292,471, where Polars ends
            pass
    return _one_by_one(array, _written)


def _plain(column: pl.Series) -> pl.Series:
    text = column.cast(pl.String, strict=False)
    if column.dtype.is_float():  # an EAN is not 4.0e12, and 12 pieces are not 12.0
        is_whole = ((column.round() == column) & (column.abs() < _WHOLE)).fill_null(False)
        whole = column.set(~is_whole, None).cast(pl.Int64).cast(pl.String)
        text = pl.select(pl.coalesce(whole, text)).to_series()
    return text


_BYTES = (
    *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary),
)
_PLAIN = (
    *(pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal128),
    *(pa.types.is_date, pa.types.is_time, pa.types.is_timestamp, pa.types.is_null),
)


def _one_by_one(cells: Iterable[Any], write: Callable[[Any], str | None]) -> tuple[pl.Series, list[int]]:
    texts: list[str | None] = []
    odd = []
    for i, cell in enumerate(cells):
        try:
            texts.append(write(cell))
        except (ValueError, OverflowError):
            texts.append("\ufffd")
            odd.append(i)
    return pl.Series(texts, dtype=pl.String), odd


def _decoded(cell: bytes | None) -> str | None:
    return None if cell is None else cell.decode()


def _written(cell: pa.Scalar) -> str | None:
    value = cell.as_py()
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, default=str) if pa.types.is_nested(cell.type) else str(value)
