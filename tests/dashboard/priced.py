"""Datasets with jobs in every state, made from the database's own functions, without a worker."""

from decimal import Decimal

import numpy as np
import polars as pl

from db import datasets, jobs, predictions, rates
from db.engine import Session
from db.types import JobKind, JobState, Queue, Split, Step
from worker import specs
from worker.specs import BaseSpec

# technique -> (noise of the log price, $ per item, seconds per item, share without a readable price)
BEHAVIOUR = {
    "constant": (0.80, 1e-10, 3e-6, 0.0),
    "ridge": (0.30, 3e-8, 1e-3, 0.0),
    "lightgbm": (0.29, 6e-7, 2e-2, 0.0),
    "neighbours": (0.35, 8e-7, 3e-2, 0.0),
    "zero-shot": (0.75, 5e-6, 0.2, 0.02),
    "multi-shot": (0.65, 1.3e-5, 0.45, 0.01),
}


def a_priced_dataset(session: Session, dataset_id: int, techniques: tuple[str, ...] = tuple(BEHAVIOUR)) -> list[int]:
    """One finished job per technique over the dataset's test rows."""
    return [a_finished_job(session, dataset_id, specs.SPECS[name]()) for name in techniques]


def a_finished_job(session: Session, dataset_id: int, spec: BaseSpec, split: Split = Split.TEST) -> int:
    """A job that a worker would have left behind: every chunk done, every row priced."""
    items = datasets.items(session, dataset_id, split)
    frame = guesses(items, str(spec.model_dump()["technique"]))
    job_id = a_running_job(session, dataset_id, spec, split)
    usd = predictions.add(session, job_id, frame)
    jobs.book_fixed_cost(session, job_id, 1.5, Decimal("0.00004"))
    unparsed = frame.filter(pl.col("status") == "unparsed").height
    tally = jobs.Tally(items=len(items), unparsed=unparsed, usd=usd, seconds=float(frame["seconds"].sum()))
    for each in (jobs.Tally(), tally, jobs.Tally()):
        for chunk_id in jobs.to_send(session, job_id):
            chunk = jobs.claim(session, chunk_id, "a test", 60)
            assert chunk is not None
            assert jobs.finish(session, chunk, each)
    assert jobs.get(session, job_id).state is JobState.DONE
    return job_id


def a_running_job(session: Session, dataset_id: int, spec: BaseSpec, split: Split = Split.TEST) -> int:
    """Started, nothing done yet."""
    values = spec.model_dump(mode="json")
    rows = datasets.target_rows(session, dataset_id, split, None)
    return jobs.create(
        session,
        kind=JobKind.PRICE,
        dataset_id=dataset_id,
        queue=Queue.CPU,
        rate_id=rates.for_queue(session, Queue.CPU),
        chunks=[(Step.FIT, []), (Step.PRICE, rows), (Step.EVALUATE, [])],
        technique=values["technique"],
        spec=values,
        spec_hash=spec.hash,
        split=split,
        items_total=len(rows),
    )


def guesses(items: pl.DataFrame, technique: str) -> pl.DataFrame:
    """PREDICTION_SCHEMA plus usd: the true price (60 where there is none) with the technique's noise."""
    noise, usd, seconds, unreadable = BEHAVIOUR[technique]
    random = np.random.default_rng(len(technique))
    n = len(items)
    price = items["price"].fill_null(60.0).to_numpy() * np.exp(random.normal(0, noise, n))
    read = random.random(n) >= unreadable
    return pl.DataFrame(
        {
            "row": items["row"],
            "price": [float(value) if ok else None for value, ok in zip(price, read, strict=True)],
            "low": [float(value) * 0.5 if ok else None for value, ok in zip(price, read, strict=True)],
            "high": [float(value) * 2.0 if ok else None for value, ok in zip(price, read, strict=True)],
            "status": ["ok" if ok else "unparsed" for ok in read],
            "tokens_in": [190 if "shot" in technique else 0] * n,
            "tokens_out": [4 if "shot" in technique else 0] * n,
            "seconds": random.gamma(8, seconds / 8, n),
            "evidence": ['{"category": "Lamps", "n": 33}'] * n,
            "usd": random.gamma(20, usd / 20, n),
        }
    )
