"""What must hold of a look and a load of any bytes: a sentence for a user, or every line once and nothing lost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from db.errors import UserError
from worker.ingest import csv_encoding, read, repeated_lines
from worker.ingest.file_kind import open_bytes
from worker.progress import Silent


def check(path: Path, forced: Mapping[str, Any] | None = None) -> str:
    """Looks at a file and loads it. Returns the sentence that refuses it, "" where it was loaded; raises AssertionError
    with what does not hold, and whatever the reader raises that is no UserError."""
    try:
        inspection = read.inspect(path, "a file", forced)
        kept = inspection.model_dump_json()
        assert "\\u0000" not in kept, "the inspection has a NUL, which Postgres refuses"
        assert read.Inspection.model_validate_json(kept) == inspection
        mapping = {"title": inspection.columns[0]} | inspection.mapping
        batches = list(read.batches(path, inspection, mapping, Silent()))
    except UserError as error:
        sentence = str(error)
        assert sentence, "a refusal without a word"
        assert "\n" not in sentence, "a refusal in several lines"
        return sentence
    items = pl.concat([batch.items for batch in batches]) if batches else pl.DataFrame({"line": []})
    rejects = pl.concat([batch.rejects for batch in batches]) if batches else pl.DataFrame({"line": [], "reason": []})
    equal = repeated_lines.rejects_of(rejects) if len(rejects) else rejects  # each line that a reject stands for
    taken = [*items["line"].to_list(), *equal["line"].to_list()]
    assert len(set(taken)) == len(taken), "a line is taken twice"
    assert all(rejects["reason"]), "a reject without a reason"
    for texts in (items, rejects):
        for name in texts.select(pl.col(pl.String)).columns:
            assert not texts[name].str.contains("\0", literal=True).any(), "a text has a NUL, which Postgres refuses"
    if "price" in items.columns:
        good = items.select(((pl.col("price") > 0) & pl.col("price").is_finite()).all()).item()
        assert good is not False, "a price that is none"
    lost = _lost(path, inspection, set(taken))
    assert not lost, f"lines {lost[:5]} are neither items, rejects, header, preamble nor blank"
    return ""


def _lost(path: Path, inspection: read.Inspection, taken: set[int]) -> list[int]:
    """Lines with something in them of which a load says nothing."""
    if inspection.kind == "parquet":
        return sorted(set(range(1, pq.ParquetFile(path).metadata.num_rows + 1)) - taken)
    if inspection.kind == "xlsx":
        return []  # what stands in a sheet is known only to the library that reads it
    table = read.open_as(path, inspection)
    assert table.odd_records is not None
    covered = set(range(1, table.layout.skip_lines + 1)) | taken
    for odd in table.odd_records():
        for line, last in odd.select("line", "last_line").rows():
            if line in taken:
                covered.update(range(line, last + 1))
    with open_bytes(path, inspection.compression) as stream:
        text = b"".join(csv_encoding.blocks(stream, inspection.encoding, inspection.newline))
    lines = text.split(b"\n")
    return [number for number, line in enumerate(lines, start=1) if line.decode().strip() and number not in covered]
