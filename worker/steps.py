"""What each step of a job does: the heavy part first, without a transaction; then a commit function that stores it.

A step returns `commit(session) -> Tally`; running.py calls it in the transaction that also marks the chunk done.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from db import artifacts, chunks, datasets, jobs, predictions, rates, results
from db.engine import Session, begin
from db.knowledge import bases
from db.settings import settings
from db.types import PREDICTION_SCHEMA, Chunk, DatasetState, Job, PredictionStatus, Split, Step
from worker import specs
from worker.adapters import gate_step
from worker.data_need import steps as data_need_steps
from worker.evaluation import metrics, neighbours_alone
from worker.finetune import steps
from worker.knowledge import steps as knowledge_steps
from worker.progress import Cancelled, Progress
from worker.resources import LiveResources, fitted
from worker.techniques import build

Commit = Callable[[Session], chunks.Tally]

SPLIT_SEED = 7


@dataclass(frozen=True, slots=True)
class Work:
    """One chunk in the hands of a step."""

    job: Job
    chunk: Chunk
    progress: Progress
    scratch: Path  # a folder that is removed when the chunk ends, however it ends

    @contextmanager
    def writing(self, *, even_cancelled: bool = False) -> Iterator[Session]:
        """A transaction along the way, which stands only if the chunk is still ours at its end and, unless
        `even_cancelled`, the job was not cancelled. Raises Cancelled.

        A worker that comes back from a pause of the network must not write over what the one that took its chunk wrote.
        """
        with begin() as session:
            yield session
            if not chunks.is_held(session, self.chunk, even_cancelled=even_cancelled):
                raise Cancelled


def inspect(work: Work) -> Commit:
    """Look at an uploaded file: what it is, how to read it, which columns mean what."""
    from worker.ingest import read

    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
    path = settings().files_dir / dataset.file_sha256
    inspection = read.inspect(path, dataset.file_name, dataset.inspection.get("forced"))

    def commit(session: Session) -> chunks.Tally:
        datasets.change(
            session,
            dataset.id,
            state=DatasetState.INSPECTED,
            inspection=inspection.model_dump(mode="json"),
            mapping=inspection.mapping,
            error=None,
        )
        return chunks.Tally()

    return commit


def load(work: Work) -> Commit:
    """Turn a file into items and rejects, with splits and a profile.

    Two passes: the file is read once into Parquet pieces on disk (groups of near-duplicates are known only at its
    end), then the pieces are copied into Postgres with their split, all in the final transaction: a failure at any
    point leaves nothing half-loaded.
    """
    from worker.ingest import duplicates, profile, read, splits

    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
    inspection = read.Inspection.model_validate(dataset.inspection)
    grouper, profiler = duplicates.Grouper(), profile.Profiler()
    pieces: list[Path] = []
    rejects: list[Path] = []
    has_price: list[pl.Series] = []
    counts = {"items": 0, "rejects": 0}
    path = settings().files_dir / dataset.file_sha256

    def keep(number: int, batch: read.Batch) -> None:
        grouper.add(batch.items)
        profiler.add(batch)
        has_price.append(batch.items["price"].is_not_null())
        for kind, frame, files in (("items", batch.items, pieces), ("rejects", batch.rejects, rejects)):
            counts[kind] += len(frame)
            if len(frame):
                file = work.scratch / f"{kind}-{number}.parquet"
                frame.write_parquet(file, compression="lz4")
                files.append(file)

    # One batch is kept while the next is read: both spend their time outside the interpreter lock.
    with ThreadPoolExecutor(1) as aside:
        kept: Future[None] | None = None
        for number, batch in enumerate(read.batches(path, inspection, dataset.mapping, work.progress)):
            if kept:
                kept.result()
            kept = aside.submit(keep, number, batch)
        if kept:
            kept.result()
    groups = grouper.groups()
    priced = pl.concat(has_price).to_numpy() if has_price else np.empty(0, dtype=bool)
    sides = splits.assign(groups, priced, seed=SPLIT_SEED)
    profile_json = profiler.result(groups)

    def commit(session: Session) -> chunks.Tally:
        start = 0
        for file in pieces:
            frame = pl.read_parquet(file)
            end = start + len(frame)
            datasets.add_items(
                session,
                dataset.id,
                frame.with_columns(
                    row=pl.int_range(start, end, dtype=pl.Int64),
                    split=pl.Series(sides[start:end], dtype=pl.String),
                    group_id=pl.Series(groups[start:end], dtype=pl.Int64),
                ),
            )
            start = end
        for file in rejects:
            datasets.add_rejects(session, dataset.id, pl.read_parquet(file))
        names, sizes = np.unique(sides, return_counts=True)
        datasets.change(
            session,
            dataset.id,
            state=DatasetState.READY,
            rows_in=counts["items"] + counts["rejects"],
            items=counts["items"],
            rejects=counts["rejects"],
            splits={str(split): 0 for split in Split} | {str(n): int(s) for n, s in zip(names, sizes, strict=True)},
            profile=profile_json,
            error=None,
        )
        jobs.set_total(session, work.job.id, counts["items"] + counts["rejects"])
        return chunks.Tally(items=counts["items"] + counts["rejects"])

    return commit


def fit(work: Work) -> Commit:
    """Let a technique learn from the train side, unless the same fit was done before."""
    spec = specs.parse(work.job.spec)
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
        fit_hash = datasets.fit_hash(dataset, spec.hash)
        seconds = artifacts.fit_seconds(session, fit_hash)
        if seconds is None:
            train = datasets.items(session, dataset.id, Split.TRAIN)
            validation = datasets.items(session, dataset.id, Split.VALIDATION)
    artifact = None
    if seconds is None:
        technique = build(spec, LiveResources(dataset.id))
        started = time.perf_counter()
        artifact = technique.fit(train, validation, work.progress)
        seconds = time.perf_counter() - started

    def commit(session: Session) -> chunks.Tally:
        if artifact is not None:
            artifacts.put(session, fit_hash, dataset.id, artifact, seconds)
        # A reused fit still cost what it cost: the comparison would be unfair if only the first job bore it.
        machine = rates.usd_for(seconds, work.job.rate_usd_per_hour)
        job = jobs.get(session, work.job.id)
        paid = job.spent_usd - job.lost_usd  # the fit is the first step: so far nothing else was paid
        jobs.add_fixed_cost(session, work.job.id, seconds, machine + paid)
        return chunks.Tally(usd=paid)

    return commit


def price(work: Work) -> Commit:
    """Price the chunk's items that have no prediction yet."""
    spec = specs.parse(work.job.spec)
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
        items = datasets.items_to_price(session, dataset.id, work.job.id, work.chunk.rows, spec.reads)
    technique = fitted(dataset, spec, datasets.fit_hash(dataset, spec.hash))
    started = time.perf_counter()
    frame = technique.price(items, work.progress)
    seconds = time.perf_counter() - started
    if frame.schema != PREDICTION_SCHEMA or not frame["row"].equals(items["row"]):
        raise ValueError(f"{spec.label} must return one line per item, in order, with the columns of PREDICTION_SCHEMA")
    usd_per_second = float(work.job.rate_usd_per_hour) / 3600
    frame = frame.with_columns(pl.col("seconds").fill_null(seconds / max(1, len(items)))).with_columns(
        usd=pl.coalesce("usd", pl.col("seconds") * usd_per_second).fill_nan(None)  # null: paid, the price is unknown
    )
    count = frame["status"].value_counts()
    by_status = dict(zip(count["status"], count["count"], strict=True))

    def commit(session: Session) -> chunks.Tally:
        predictions.add(session, work.job.id, frame)
        return chunks.Tally(
            items=len(work.chunk.rows),
            unparsed=by_status.get(PredictionStatus.UNPARSED, 0),
            failed=by_status.get(PredictionStatus.FAILED, 0),
            usd=Decimal(repr(float(frame["usd"].sum()))),
            seconds=float(frame["seconds"].sum()),
            tokens_in=int(frame["tokens_in"].sum()),
            tokens_out=int(frame["tokens_out"].sum()),
            saved_usd=Decimal(repr(float(frame["saved_usd"].sum()))),
            unknown_costs=frame["usd"].null_count(),
        )

    return commit


def evaluate(work: Work) -> Commit:
    """Measure the job against the prices that the file has for its rows; and what retrieval brought, if it had any."""
    with begin() as session:
        frame = predictions.of_jobs(session, [work.job.id]).filter(pl.col("truth").is_not_null())
    measured = metrics.summary(frame) if len(frame) else {}
    reads_neighbours = work.job.technique in ("rag", "neighbours") or (
        work.job.technique == "finetuned" and work.job.spec["k"]
    )
    if reads_neighbours:
        measured |= _retrieval(work.job)

    def commit(session: Session) -> chunks.Tally:
        results.put(session, work.job.id, measured)
        return chunks.Tally()

    return commit


def _retrieval(job: Job) -> dict[str, Any]:
    """How fresh the knowledge base was, and what the model added to the neighbours it read."""
    with begin() as session:
        base = bases.of(session, job.dataset_id)
        found = {"freshness": bases.freshness(session, base.id).as_json()} if base else {}
        told = predictions.of_job(session, job.id) if job.technique in ("rag", "finetuned") else None
    added = neighbours_alone.added(told) if told is not None else None
    return found | ({"neighbours_alone": added} if added else {})


STEPS: dict[Step, Callable[[Work], Commit]] = {
    Step.INSPECT: inspect,
    Step.LOAD: load,
    Step.SEARCH: knowledge_steps.search,
    Step.INDEX: knowledge_steps.index,
    Step.PILOT: steps.pilot,
    Step.TRAIN: steps.train,
    Step.GUARD: gate_step.guard,
    Step.RUNG: data_need_steps.rung,
    Step.FORECAST: data_need_steps.forecast,
    Step.FIT: fit,
    Step.PRICE: price,
    Step.EVALUATE: evaluate,
}
