"""The speed of an upload becoming items: the whole load job against DuckDB reading the same file plus a raw COPY."""

import tempfile
import time
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.stack import fresh_stack, line

ROWS = 300_000


def main() -> None:
    from worker import demo

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.csv"
        sample = demo.catalogue(3_000)
        # Numbered titles: otherwise all copies would be near-duplicates of each other, which no real file is.
        big = pl.concat([sample] * (ROWS // len(sample))).with_columns(
            id=pl.format("item-{}", pl.int_range(pl.len())),
            title=pl.format("{} {}", pl.col("title"), pl.int_range(pl.len())),
        )
        big.write_csv(path)
        with fresh_stack():
            ours = _ours(path)
            peer = _peer(path)
    line(f"ingest, {path.name} {ROWS:,} rows", ours, "DuckDB + COPY", peer, "rows/s")


def _ours(path: Path) -> float:
    """Rows per second of all that the user waits for: upload, dialect, mapping, validation, prices, near-duplicates,
    splits, profile, COPY."""
    from db import datasets, engine, jobs
    from db.types import DatasetState
    from worker.datasets import actions

    def wait(state: DatasetState) -> None:
        while True:
            with engine.begin() as session:
                dataset = datasets.get(session, dataset_id)
            assert dataset.state is not DatasetState.FAILED, dataset.error
            if dataset.state is state:
                return
            time.sleep(0.02)

    with path.open("rb") as stream:
        started = time.perf_counter()
        dataset_id = actions.upload(path.name, stream)
    wait(DatasetState.INSPECTED)
    with engine.begin() as session:
        mapping = datasets.get(session, dataset_id).mapping
    actions.load(dataset_id, mapping)
    wait(DatasetState.READY)
    seconds = time.perf_counter() - started
    with engine.begin() as session:
        dataset = datasets.get(session, dataset_id)
        assert dataset.items + dataset.rejects == ROWS
        assert jobs.all(session)
    return ROWS / seconds


def _peer(path: Path) -> float:
    """Rows per second of a plain load: same file, same server, same columns and key; no checks, no splits."""
    from db import engine

    with engine.begin() as session:
        session.connection().exec_driver_sql(
            "CREATE TABLE peer (row bigint PRIMARY KEY, id text, title text, description text, category text, "
            "brand text, price float8)"
        )
    started = time.perf_counter()
    # The schema is given, so that DuckDB does not spend time on guessing it.
    table = duckdb.sql(
        f"SELECT row_number() OVER () AS row, * FROM read_csv('{path}', header=true, columns={{'id': 'VARCHAR', "
        "'title': 'VARCHAR', 'description': 'VARCHAR', 'category': 'VARCHAR', 'brand': 'VARCHAR', 'price': 'DOUBLE'})"
    )
    assert table is not None  # a SELECT always gives one
    with engine.begin() as session:
        engine.copy_in(session, "peer", table.pl())
    return ROWS / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
