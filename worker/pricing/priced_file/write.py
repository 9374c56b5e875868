"""Writes the priced file of a stored upload in the format that it came in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from worker.files.formats import Kind
from worker.ingest.types import Inspection
from worker.pricing.priced_file import csv_file, parquet_file, xlsx_file

WRITERS: dict[Kind, Callable[[Path, Inspection, str, pl.DataFrame, Path], None]] = {
    "csv": csv_file.write,
    "xlsx": xlsx_file.write,
    "parquet": parquet_file.write,
}
"""Format of a file -> what writes it: the upload, how it is read, the column of its prices ("" = none), what is said of
its rows (appended.LINES), where to."""


def write(source: Path, stored: Mapping[str, Any], price_column: str, lines: pl.DataFrame, target: Path) -> None:
    """Write the file whole or not at all; `stored` is an inspection as JSON. Raises UserError, UnreadableFile."""
    inspection = Inspection.model_validate(stored)
    draft = target.with_name(f".{target.name}.part")
    try:
        WRITERS[inspection.kind](source, inspection, price_column, lines, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
