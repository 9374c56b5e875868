"""How is a Parquet file opened?"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from db.errors import UnreadableFile
from worker.ingest.header import Layout, Row
from worker.ingest.shapes import Cells, Inspection
from worker.ingest.table import Table, clean

_ROWS = 50_000
_SAMPLE = 300


def open_parquet(path: Path) -> Table:
    """Lines are row numbers, from 1. Typed columns become text: it costs a little, and prices are checked in one
    place. Raises UnreadableFile."""
    try:
        file = pq.ParquetFile(path)
        columns = list(file.schema_arrow.names)
        if len(set(columns)) < len(columns) or not all(columns):
            raise UnreadableFile("The Parquet file has columns without a name or with the same name; rename them.")
        head = next(iter(file.iter_batches(_SAMPLE)), None)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile("The Parquet file is broken or cut off.") from error
    sample = _text(head, range(len(columns))) if head is not None else pl.DataFrame()
    rows = [Row(i + 1, [clean(cell or "") for cell in cells]) for i, cells in enumerate(sample.rows())]

    def cells(wanted: Sequence[int]) -> Iterator[Cells]:
        line = 1
        try:
            for batch in pq.ParquetFile(path).iter_batches(_ROWS, columns=[columns[i] for i in wanted]):
                # Arrow gives the columns in the order of the file, whatever was asked for.
                positions = [columns.index(name) for name in batch.schema.names]
                frame = _text(batch, positions).fill_null("")
                yield _cells(frame, line)
                line += len(frame)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(f"The Parquet file is broken after row {line - 1:,}.") from error

    inspection = Inspection(kind="parquet")
    return Table(inspection, Layout(None, 0, [], columns, rows), cells)


def _cells(frame: pl.DataFrame, line: int) -> Cells:
    has_nul = frame.select(pl.any_horizontal(pl.all().str.contains("\0", literal=True))).to_series()
    return Cells(
        frame,
        np.arange(line, line + len(frame), dtype=np.int64),
        lambda row: clean("\t".join(frame.row(row))),
        dict.fromkeys(np.flatnonzero(has_nul.to_numpy()).tolist(), "the row has NUL characters"),
        [],
    )


def _text(batch: pa.RecordBatch, positions: Sequence[int]) -> pl.DataFrame:
    frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
    return pl.DataFrame({f"c{i}": _as_text(column) for i, column in zip(positions, frame.get_columns(), strict=True)})


def _as_text(column: pl.Series) -> pl.Series:
    if column.dtype.is_nested():
        values = [
            None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in column.to_list()
        ]
        return pl.Series(values, dtype=pl.String)
    return column.cast(pl.String, strict=False)
