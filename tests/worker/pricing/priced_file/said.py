"""What tests say of each row of a file: a price that names its line, or a reason."""

from pathlib import Path

import polars as pl

from worker.ingest import read, repeated_lines
from worker.ingest.read import Inspection
from worker.pricing.priced_file import write
from worker.pricing.priced_file.appended import LINES
from worker.progress import Silent

HOSTILE = '=cmd|"x"; a,b\n\tit\'s\\'
"""A reason that is hard to write into one cell of one line."""

PLAIN = "'" + HOSTILE.replace("\n\t", " ")


def said_of(path: Path, inspection: Inspection, mapping: dict[str, str]) -> pl.DataFrame:
    """LINES: items cost their line + 0.256, rejects have a hostile reason."""
    nothing = pl.lit(None, dtype=pl.Float64)
    parts = [pl.DataFrame(schema=LINES)]
    for batch in read.batches(path, inspection, mapping, Silent()):
        price = pl.col("line") + 0.256
        parts.append(
            batch.items.select("line", price=price, low=price / 2, high=nothing, flag=pl.lit("ok"), reason=pl.lit(""))
        )
        parts.append(
            repeated_lines.rejects_of(batch.rejects).select(
                "line", price=nothing, low=nothing, high=nothing, flag=pl.lit("for a person"), reason=pl.lit(HOSTILE)
            )
        )
    return pl.concat(parts).sort("line")


def priced(folder: Path, data: bytes, inspection: Inspection, mapping: dict[str, str]) -> tuple[bytes, pl.DataFrame]:
    """The priced file of these bytes, and what was said of its rows."""
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    lines = said_of(source, inspection, mapping)
    write.write(source, inspection.model_dump(mode="json"), mapping.get("price", ""), lines, target)
    return target.read_bytes(), lines


def inspected(folder: Path, data: bytes, name: str = "t.csv", **forced: object) -> Inspection:
    path = folder / "looked-at"
    path.write_bytes(data)
    return read.inspect(path, name, forced)
