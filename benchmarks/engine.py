"""The speed of the job engine: constant technique, end to end through the queue, against a plain COPY of its output."""

import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from benchmarks.stack import fresh_stack, line

if TYPE_CHECKING:
    from db.engine import Session  # nothing of ours is imported before the stack has its folder

ROWS = 400_000
TRAIN = 5_000
TEXT = "Plain text of an ordinary length that says what the product is for. " * 3


def main() -> None:
    with fresh_stack():
        from db import engine, job_progress, predictions
        from db.types import Split
        from worker import specs
        from worker.pricing import actions

        with engine.begin() as session:
            dataset_id = _dataset(session)
        started = time.perf_counter()
        [job_id] = actions.start(dataset_id, [specs.ConstantSpec()], Split.UNPRICED)
        while True:
            with engine.begin() as session:
                [progress] = job_progress.of(session, [job_id])
            if progress.state.is_final:
                break
            time.sleep(0.02)
        ours = ROWS / (time.perf_counter() - started)
        assert progress.state == "done", progress.error
        with engine.begin() as session:
            frame = engine.copy_out(
                session,
                "SELECT row, price, low, high, status, tokens_in, tokens_out, seconds, usd, evidence FROM predictions "
                "WHERE job_id = %s ORDER BY row",
                {
                    "row": pl.Int64,
                    "price": pl.Float64,
                    "low": pl.Float64,
                    "high": pl.Float64,
                    "status": pl.String,
                    "tokens_in": pl.Int64,
                    "tokens_out": pl.Int64,
                    "seconds": pl.Float64,
                    "usd": pl.Float64,
                    "evidence": pl.String,
                },
                (job_id,),
            )
            assert len(frame) == ROWS
            # The peer: the same lines into the same table (key and all), no queue, no leases, no items read.
            other = _peer_job(session, dataset_id)
        started = time.perf_counter()
        with engine.begin() as session:
            predictions.add(session, other, frame)
        peer = ROWS / (time.perf_counter() - started)
    line("job engine, constant technique", ours, "plain COPY", peer, "rows/s")


def _peer_job(session: "Session", dataset_id: int) -> int:
    from db import jobs, rates
    from db.types import JobKind, Queue, Step

    rate_id = rates.for_queue(session, Queue.CPU)
    return jobs.create(
        session,
        kind=JobKind.PRICE,
        dataset_id=dataset_id,
        queue=Queue.CONTROL,
        rate_id=rate_id,
        chunks=[(Step.EVALUATE, [])],
    )


def _dataset(session: "Session") -> int:
    """A dataset of TRAIN priced items and ROWS to be priced, with texts of ordinary length."""
    from db import datasets
    from db.types import DatasetState, Split

    total = TRAIN + ROWS
    random = np.random.default_rng(3)
    dataset_id = datasets.create(session, name="engine", sha256="0" * 64, file_name="engine.csv")
    row = pl.int_range(total, eager=True)
    frame = pl.DataFrame(
        {
            "row": row,
            "line": row + 2,
            "external_id": row.cast(pl.String),
            "title": pl.Series([f"Product number {i} in blue" for i in range(total)]),
            "description": pl.Series([TEXT] * total),
            "category": pl.Series([f"category {c}" for c in random.integers(0, 50, total)]),
            "brand": pl.Series(["brand"] * total),
            "price": pl.Series(np.round(random.lognormal(3, 1, total), 2)),
            "split": pl.Series(["train"] * TRAIN + ["unpriced"] * ROWS),
            "group_id": row,
        }
    ).with_columns(price=pl.when(pl.col("split") == "train").then(pl.col("price")))
    datasets.add_items(session, dataset_id, frame)
    splits = {str(split): 0 for split in Split} | {"train": TRAIN, "unpriced": ROWS}
    datasets.change(session, dataset_id, state=DatasetState.READY, items=total, rows_in=total, splits=splits)
    return dataset_id


if __name__ == "__main__":
    main()
