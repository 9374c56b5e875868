"""The speed of an upload becoming items: the whole load job against DuckDB reading the same file plus a raw COPY."""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import psutil

from benchmarks.stack import fresh_stack, line

ROWS = 300_000


SHORT = 60  # letters of a description in narrow rows


def main(rows: int = ROWS, *, narrow: bool = False) -> None:
    """Rows of about 500 bytes: 300,000 by default, `python -m benchmarks.ingest 2100000` for a file of 1 GB; with a
    second argument `narrow` of about 170 bytes."""
    from worker import demo

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.csv"
        sample = demo.catalogue(3_000)
        if narrow:
            sample = sample.with_columns(pl.col("description").str.slice(0, SHORT))
        # Numbered titles: otherwise all copies would be near-duplicates of each other, which no real file is.
        big = pl.concat([sample] * (rows // len(sample))).with_columns(
            id=pl.format("item-{}", pl.int_range(pl.len())),
            title=pl.format("{} {}", pl.col("title"), pl.int_range(pl.len())),
        )
        big.write_csv(path)
        size = path.stat().st_size
        with fresh_stack():
            with _watched() as books:
                ours = _ours(path, rows)
            spent = dict(books)
            with _watched() as books:
                peer = _peer(path, rows)
    line(f"ingest, {rows:,} rows, {size / 1e6:,.0f} MB", ours, "DuckDB + COPY", peer, "rows/s")
    for who, each in (("ours", spent), ("DuckDB + COPY", books)):
        for name, (memory, seconds) in sorted(each.items(), key=lambda item: -item[1][1]):
            if seconds >= 0.5:
                print(f"  {who}: {name:<28} CPU {seconds:6.1f} s, most memory of its own {memory / 1e6:6.0f} MB")
        # What only looks on (this process, while the worker loads) is no part of the work.
        work = sum(seconds for name, (_, seconds) in each.items() if who != "ours" or "-m benchmarks" not in name)
        print(f"  {who}: CPU of all {work:.1f} s, {rows / work:,.0f} rows per CPU second")


@contextmanager
def _watched() -> Iterator[dict[str, tuple[int, float]]]:
    """Process -> the most memory that it held (RSS without what is shared, in bytes) and its CPU seconds, of all that
    we started; complete when the block ends."""
    books: dict[int, tuple[str, int, float, float]] = {}
    found: dict[str, tuple[int, float]] = {}
    done = threading.Event()

    def look() -> None:
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            try:
                memory, times = process.memory_info(), process.cpu_times()
                command = " ".join(" ".join(process.cmdline()).split())
            except psutil.Error:
                continue
            name, most, first, _ = books.get(process.pid, (f"{command[:20]} {process.pid}", 0, sum(times[:2]), 0.0))
            books[process.pid] = name, max(most, memory.rss - memory.shared), first, sum(times[:2])

    def watch() -> None:
        while not done.wait(0.2):  # looking takes a share of the two cores itself
            look()

    thread = threading.Thread(target=watch, daemon=True)
    look()
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
        found |= {name: (most, last - first) for name, most, first, last in books.values()}


def _ours(path: Path, rows: int) -> float:
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
        assert dataset.items + dataset.rejects == rows
        assert jobs.all(session)
    return rows / seconds


def _peer(path: Path, rows: int) -> float:
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
    return rows / (time.perf_counter() - started)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), narrow="narrow" in sys.argv[2:])
