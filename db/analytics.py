"""Questions to the whole of a job's predictions, answered by DuckDB from a Parquet snapshot instead of by Postgres.

A finished job never changes, so its snapshot is made once. A million predictions then cost a page one file of some ten
megabytes and a query of milliseconds, not a frame in memory per visitor and a COPY per click.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from db import predictions
from db.engine import Session
from db.settings import settings

KEPT_SECONDS = 3600  # a page may still be reading the version before this one

_SEARCHED = "concat_ws(' ', title, description, category, brand, external_id)"


def snapshot(session: Session, job_id: int, version: str) -> Path:
    """The Parquet file with every prediction of a job beside its item; `error` is price - truth where both are known.

    Written at the first call for this version of the job.
    """
    folder = settings().home / "snapshots"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"job-{job_id}-{version}.parquet"
    if not path.is_file():
        for old in folder.glob(f"job-{job_id}-*.parquet"):
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                old.unlink(missing_ok=True)
        handle, part = tempfile.mkstemp(dir=folder, suffix=".part")
        os.close(handle)
        frame = predictions.of_job(session, job_id)
        frame.with_columns(error=pl.col("price") - pl.col("truth")).write_parquet(part)
        Path(part).replace(path)  # a reader sees all of it or nothing
    return path


def forget(job_id: int) -> None:
    """Remove the snapshots of a job."""
    for path in (settings().home / "snapshots").glob(f"job-{job_id}-*.parquet"):
        path.unlink(missing_ok=True)


def search(
    path: Path, text: str, statuses: Sequence[str], limit: int, *, flagged: bool = False
) -> tuple[pl.DataFrame, int]:
    """The first `limit` predictions in which every word occurs, in any case, and how many there are in all.

    No status given means all of them. `flagged`: only those whose evidence has a flag.
    """
    import duckdb  # most processes that import this module search nothing

    words = text.casefold().split()
    conditions = [f"contains(lower({_SEARCHED}), ?)" for _ in words]
    values: list[object] = [str(path), *words]
    if statuses:
        conditions.append("list_contains(?, status)")
        values.append(list(statuses))
    if flagged:
        conditions.append("json_extract_string(evidence, '$.flag') IS NOT NULL")
    where = " AND ".join(conditions) or "true"
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"SELECT *, count(*) OVER () AS total FROM read_parquet(?) WHERE {where} ORDER BY row LIMIT {int(limit)}",
            params=values,
        ).pl()
    return rows.drop("total"), int(rows["total"][0]) if len(rows) else 0
