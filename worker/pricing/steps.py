"""The steps of a pricing job: fit the technique, price a chunk, measure the whole."""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from db import artifacts, chunks, datasets, jobs, predictions, rates, results
from db.engine import Session, begin
from db.knowledge import bases
from db.types import ITEM_SCHEMA, PREDICTION_SCHEMA, Artifact, Job, PredictionStatus, Split
from worker import specs
from worker.evaluation import calibration, metrics, neighbours_alone
from worker.progress import Progress
from worker.resources import LiveResources, fitted
from worker.specs import BaseSpec
from worker.techniques import build
from worker.techniques.base import Technique
from worker.work import Commit, Work


def fit(work: Work) -> Commit:
    """Let a technique learn from the train side and price its calibration rows, unless the same was done before."""
    spec = specs.parse(work.job.spec)
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
        fit_hash = datasets.fit_hash(dataset, spec.fit_key)
        seconds = artifacts.fit_seconds(session, fit_hash)
        if seconds is None:
            train = datasets.items(session, dataset.id, Split.TRAIN)
            validation = datasets.items(session, dataset.id, Split.VALIDATION, details=True)
    artifact = None
    tally = chunks.Tally()
    if seconds is None:
        technique = build(spec, LiveResources(dataset.id))
        started = time.perf_counter()
        free, calibrating = calibration.divide(spec, validation.select([*ITEM_SCHEMA, "group_id"]))
        artifact = technique.fit(train, free, work.progress) if spec.learns else Artifact()
        if len(calibrating):
            technique.load(artifact)
            hidden = calibrating.with_columns(price=pl.lit(None, pl.Float64))
            priced = _priced(technique, hidden, work.progress, rates.of_work(work.job, 1))
            part = {calibration.PART: calibration.to_bytes(calibrating["price"], priced)}
            artifact = Artifact(artifact.parts | part)
            tally = _tally(priced)
        seconds = time.perf_counter() - started

    def commit(session: Session) -> chunks.Tally:
        if artifact is not None:
            artifacts.put(session, fit_hash, dataset.id, artifact, seconds)
        # A reused fit still cost what it cost: the comparison would be unfair if only the first job bore it.
        machine = rates.of_work(work.job, seconds)
        job = jobs.get(session, work.job.id)
        paid = job.spent_usd - job.lost_usd  # the fit is the first step: so far nothing else was paid
        answers = calibration.read(artifacts.part(session, fit_hash, calibration.PART))
        worth = Decimal(repr(float(answers["usd"].sum()))) if spec.uses_endpoint else Decimal(0)
        jobs.add_fixed_cost(session, work.job.id, seconds, machine + max(paid, worth))
        return replace(tally, usd=paid, seconds=seconds)

    return commit


def price(work: Work) -> Commit:
    """Price the chunk's items that have no prediction yet."""
    spec = specs.parse(work.job.spec)
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
        items = datasets.items_to_price(session, dataset.id, work.job.id, work.chunk.rows, spec.reads)
    technique = fitted(dataset, spec, datasets.fit_hash(dataset, spec.fit_key))
    frame = _priced(technique, items, work.progress, rates.of_work(work.job, 1))
    count = frame["status"].value_counts()
    by_status = dict(zip(count["status"], count["count"], strict=True))

    def commit(session: Session) -> chunks.Tally:
        predictions.add(session, work.job.id, frame)
        return replace(
            _tally(frame),
            items=len(work.chunk.rows),
            unparsed=by_status.get(PredictionStatus.UNPARSED, 0),
            failed=by_status.get(PredictionStatus.FAILED, 0),
        )

    return commit


def _priced(technique: Technique, items: pl.DataFrame, progress: Progress, usd_per_second: Decimal) -> pl.DataFrame:
    """PREDICTION_SCHEMA of items without prices, with what each took in seconds and usd (null: paid, the price is
    unknown)."""
    started = time.perf_counter()
    frame = technique.price(items, progress)
    seconds = time.perf_counter() - started
    if frame.schema != PREDICTION_SCHEMA or not frame["row"].equals(items["row"]):
        name = type(technique).__name__
        raise ValueError(f"{name} must return one line per item, in order, with the columns of PREDICTION_SCHEMA")
    return frame.with_columns(pl.col("seconds").fill_null(seconds / max(1, len(items)))).with_columns(
        usd=pl.coalesce("usd", pl.col("seconds") * float(usd_per_second)).fill_nan(None)
    )


def _tally(frame: pl.DataFrame) -> chunks.Tally:
    """What a frame of `_priced` took."""
    return chunks.Tally(
        usd=Decimal(repr(float(frame["usd"].sum()))),
        seconds=float(frame["seconds"].sum()),
        tokens_in=int(frame["tokens_in"].sum()),
        tokens_out=int(frame["tokens_out"].sum()),
        saved_usd=Decimal(repr(float(frame["saved_usd"].sum()))),
        unknown_costs=frame["usd"].null_count(),
    )


def evaluate(work: Work) -> Commit:
    """Measure the job against the prices that the file has for its rows; and what retrieval brought, if it had any."""
    with begin() as session:
        frame = predictions.of_jobs(session, [work.job.id]).filter(pl.col("truth").is_not_null())
    measured = metrics.summary(frame) if len(frame) else {}
    spec = specs.parse(work.job.spec)
    if spec.reads_neighbours:
        measured |= _retrieval(work.job, spec)

    def commit(session: Session) -> chunks.Tally:
        results.put(session, work.job.id, measured)
        return chunks.Tally()

    return commit


def _retrieval(job: Job, spec: BaseSpec) -> dict[str, Any]:
    """How fresh the knowledge base was, and what the model, if there is one, added to the neighbours it read."""
    with begin() as session:
        base = bases.of(session, job.dataset_id)
        kept = {"freshness": bases.freshness(session, base.id).as_json()} if base else {}
        priced = predictions.of_job(session, job.id) if spec.uses_llm else None
    added = neighbours_alone.added(priced) if priced is not None else None
    return kept | ({"neighbours_alone": added.as_json()} if added else {})
