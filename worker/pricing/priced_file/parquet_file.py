"""Writes a Parquet file with columns appended: types, metadata and values as they are, prices in full."""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from db.errors import UnreadableFile
from worker.ingest.types import Inspection
from worker.pricing.priced_file.appended import NAMES, names_beside

_ROWS = 50_000
_BYTES_AT_ONCE = 64 << 20
_BROKEN = (pa.ArrowException, OSError)


def write(source: Path, inspection: Inspection, price_column: str, lines: pl.DataFrame, target: Path) -> None:
    """Write `source` to `target` with `lines` (appended.LINES) as five more columns; a row of which nothing is said has
    none of them. Row groups are written anew. Raises UnreadableFile."""
    del inspection, price_column  # every type says how it is written
    kinds = (pa.float64(), pa.float64(), pa.float64(), pa.string(), pa.string())
    try:
        file = pq.ParquetFile(source)
        names = names_beside(file.schema_arrow.names)
        schema = file.schema_arrow
        for name, kind in zip(names, kinds, strict=True):
            schema = schema.append(pa.field(name, kind))
        at = lines["line"].to_numpy()
        number = 1
        with pq.ParquetWriter(target, schema, **_as_stored(file)) as out:
            for batch in file.iter_batches(_rows_at_once(file)):
                first, behind = np.searchsorted(at, [number, number + len(batch)])
                said = pl.DataFrame({"line": np.arange(number, number + len(batch))}).join(
                    lines.slice(int(first), int(behind - first)), on="line", how="left", maintain_order="left"
                )
                columns = [said[name].to_arrow().cast(kind) for name, kind in zip(NAMES, kinds, strict=True)]
                out.write_batch(pa.RecordBatch.from_arrays([*batch.columns, *columns], schema=schema))
                number += len(batch)
    except MemoryError:
        raise
    except _BROKEN as error:
        raise UnreadableFile("The Parquet file can't be read to its end, or not written back.") from error


def _rows_at_once(file: pq.ParquetFile) -> int:
    head = next(iter(file.iter_batches(300)), None)
    size = head.nbytes // len(head) + 1 if head is not None and len(head) else 1
    return int(min(_ROWS, max(300, _BYTES_AT_ONCE // size)))


def _as_stored(file: pq.ParquetFile) -> dict[str, str]:
    """The compression that the file has."""
    if not file.metadata.num_row_groups or not file.metadata.num_columns:
        return {}
    codec = file.metadata.row_group(0).column(0).compression.lower()
    return {"compression": "none" if codec == "uncompressed" else codec}
