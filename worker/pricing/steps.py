"""The steps of a pricing job: fit the technique, price a chunk, measure the whole."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from db import artifacts, chunks, completions, datasets, jobs, predictions, rates, results
from db.engine import Session, begin
from db.knowledge import bases
from db.types import ITEM_SCHEMA, Artifact, Dataset, Job, PredictionStatus, Split
from worker import specs
from worker.datasets import quantities
from worker.evaluation import calibration, conformal, drift, metrics, neighbours_alone
from worker.evaluation.measures import DECIDING
from worker.pricing import (
    comparison,
    comparison_jobs,
    elsewhere,
    fit_worth,
    kept,
    known_prices,
    likeness,
    lists,
    source_prices,
)
from worker.progress import Progress
from worker.resources import LiveResources, fitted, price_with
from worker.specs import BaseSpec, members_of
from worker.techniques import build
from worker.techniques.shared import members
from worker.work import Commit, Work, Writing


def fit(work: Work) -> Commit:
    """Let a technique learn from the train side and price its calibration rows, unless the same was done before."""
    spec = specs.parse(work.job.spec)
    with begin() as session:
        source = datasets.get(session, work.job.learned_from)
    done = _learn(source, spec, work.progress, work.writing, float(rates.of_work(work.job, 1)))

    def commit(session: Session) -> chunks.Tally:
        if done.artifact is not None:
            artifacts.put(session, done.fit_hash, source.id, done.artifact, done.seconds)
        # A reused fit still cost what it cost: the comparison would be unfair if only the first job bore it.
        machine = rates.of_work(work.job, done.seconds)
        job = jobs.get(session, work.job.id)
        paid = job.spent_usd - job.lost_usd  # the fit is the first step: so far nothing else was paid
        worth, is_known = fit_worth.of_spec(session, source, spec)
        is_known &= not completions.has_unpriced(session, work.job.id)
        jobs.add_fixed_cost(session, work.job.id, done.seconds, machine + max(paid, worth), is_known=is_known)
        return replace(done.tally, usd=paid, seconds=done.seconds)

    return commit


@dataclass(frozen=True, slots=True)
class _Fit:
    fit_hash: str
    artifact: Artifact | None  # None: it was there
    seconds: float  # that it took, whenever it was done; with those of its members
    tally: chunks.Tally


def _learn(dataset: Dataset, spec: BaseSpec, progress: Progress, writing: Writing, usd_per_second: float) -> _Fit:
    """A fit that was done before, or one that is done now; its members' are stored as soon as each is done."""
    fit_hash = datasets.fit_hash(dataset, spec.fit_key)
    with begin() as session:
        seconds = artifacts.fit_seconds(session, fit_hash)
        if seconds is None:
            train = datasets.items(session, dataset.id, Split.TRAIN, per_unit=True)
            validation = datasets.items(session, dataset.id, Split.VALIDATION, details=True, per_unit=True)
    if seconds is not None:
        return _Fit(fit_hash, None, seconds, chunks.Tally())
    parts: list[_Fit] = []
    waited = 0.0

    def fit_member(member: BaseSpec) -> None:
        nonlocal waited
        started = time.perf_counter()
        parts.append(done := _learn(dataset, member, progress, writing, usd_per_second))
        if done.artifact is not None:
            with writing() as session:
                artifacts.put(session, done.fit_hash, dataset.id, done.artifact, done.seconds)
        waited += time.perf_counter() - started

    technique = build(spec, LiveResources(dataset.id, fit_member))
    tally = chunks.Tally()
    started = time.perf_counter()
    free, calibrating = calibration.divide(spec, validation.select([*ITEM_SCHEMA, "group_id"]))
    artifact = technique.fit(train, free, progress) if spec.learns else Artifact()
    if len(calibrating):
        technique.load(artifact)
        hidden = calibrating.with_columns(price=pl.lit(None, pl.Float64))
        priced = price_with(technique, hidden, progress, usd_per_second)
        part = {calibration.PART: calibration.to_bytes(calibrating["price"], priced)}
        artifact = Artifact(artifact.parts | part)
        tally = _tally(priced)
    own = time.perf_counter() - started - waited
    tally = _with_parts(tally, [part.tally for part in parts])
    return _Fit(fit_hash, artifact, own + sum(member.seconds for member in parts), tally)


def price(work: Work) -> Commit:
    """Price the chunk's items that have no prediction yet, each with an interval where the fit was calibrated."""
    spec = specs.parse(work.job.spec)
    with begin() as session:
        source = datasets.get(session, work.job.learned_from)
        fit_hash = datasets.fit_hash(source, spec.fit_key)
        items = datasets.items_to_price(session, work.job.dataset_id, work.job.id, work.chunk.rows, spec.reads)
        intervals = conformal.learn(calibration.read(artifacts.part(session, fit_hash, calibration.PART)))
    technique = fitted(source, spec, fit_hash, work.job.dataset_id)
    frame = price_with(technique, items, work.progress, float(rates.of_work(work.job, 1)))
    frame = intervals.around(frame) if intervals else conformal.without(frame)
    count = frame["status"].value_counts()
    by_status = dict(zip(count["status"], count["count"], strict=True))

    def commit(session: Session) -> chunks.Tally:
        predictions.add(session, work.job.id, quantities.to_rows(session, source, work.job.dataset_id, frame))
        return replace(
            _tally(frame),
            items=len(work.chunk.rows),
            unparsed=by_status.get(PredictionStatus.UNPARSED, 0),
            failed=by_status.get(PredictionStatus.FAILED, 0),
        )

    return commit


def _tally(frame: pl.DataFrame) -> chunks.Tally:
    """What a frame of priced items took."""
    return chunks.Tally(
        usd=Decimal(repr(float(frame["usd"].sum()))),
        seconds=float(frame["seconds"].sum()),
        tokens_in=int(frame["tokens_in"].sum()),
        tokens_out=int(frame["tokens_out"].sum()),
        saved_usd=Decimal(repr(float(frame["saved_usd"].sum()))),
        unknown_costs=frame["usd"].null_count(),
    )


def _with_parts(tally: chunks.Tally, parts: Sequence[chunks.Tally]) -> chunks.Tally:
    """A tally with the answers that members were asked for in the same fit."""
    names = ("tokens_in", "tokens_out", "saved_usd", "unknown_costs")
    return replace(
        tally, **{name: sum((getattr(each, name) for each in parts), getattr(tally, name)) for name in names}
    )


def evaluate(work: Work) -> Commit:
    """Measure the job against the prices that the file has for its rows, and whether those are unlike the calibration
    rows; and what retrieval brought, if it had any."""
    with begin() as session:
        frame, column = known_prices.of_jobs(session, [work.job.id])
    measured = metrics.summary(frame) | {"weighted_by": column} if len(frame) else {}
    spec = specs.parse(work.job.spec)
    if spec.reads_neighbours:
        measured |= _retrieval(work.job, spec)
    if members_of(spec):
        measured |= {comparison.COMBINATION: _combination(work.job, spec)}
    reckoned = _support(work.job, work.progress)
    measured |= _drift(work.job, spec, reckoned)
    found = elsewhere.look(work.job, spec, work.progress)
    measured |= {elsewhere.RESULT: found.as_json()} if found else {}

    def commit(session: Session) -> chunks.Tally:
        results.put(session, work.job.id, measured)
        lists.keep_support(session, work.job, reckoned)
        if found:
            elsewhere.keep(session, work.job, found)
        return chunks.Tally()

    return commit


def compare(work: Work) -> Commit:
    """Make all parts of a comparison by some measures; each is kept as soon as it is made."""
    asked = work.job.spec
    made = kept.Comparison(asked["jobs"], merges=asked["merges"], weighted=asked["weighted"])
    every = comparison_jobs.parts([list(DECIDING)[place] for place in work.chunk.rows])
    missing = made.missing(every)
    work.progress.advance(len(every) - len(missing))
    for part, by in missing:
        made.part(part, by)  # somebody else may have made it meanwhile
        work.progress.advance()

    def commit(session: Session) -> chunks.Tally:
        del session
        return chunks.Tally(items=len(every))

    return commit


def _support(job: Job, progress: Progress) -> dict[lists.Side, pl.DataFrame]:
    """What similar products with a known price say of the rows that the job priced and of validation rows; only of the
    sides of which no job before has kept it."""
    with begin() as session:
        sides = [side for side in lists.sides(job) if not lists.has_support(session, job, side)]
        if not sides:
            return {}
        source = datasets.get(session, job.learned_from)
        frames = {side: datasets.items(session, *side, per_unit=True) for side in sides}
    known = source_prices.of(source)
    return {side: known.of_rows(frame, progress) for side, frame in frames.items()}


def _combination(job: Job, spec: BaseSpec) -> dict[str, Any] | None:
    """How the members are combined, and what validation rows say of each."""
    with begin() as session:
        source = datasets.get(session, job.learned_from)
        kept = artifacts.part(session, datasets.fit_hash(source, spec.fit_key), members.PART)
    told: dict[str, Any] | None = json.loads(kept) if kept else None
    return told


def _drift(job: Job, spec: BaseSpec, reckoned: Mapping[lists.Side, pl.DataFrame]) -> dict[str, Any]:
    """How well the priced rows are told apart from the calibration rows, by their words, and which of them are unlike
    those: where they are as a whole, by what tells them apart; else those that are far from all known ones."""
    with begin() as session:
        known = likeness.calibrated_on(session, datasets.get(session, job.learned_from), spec)
        most = min(job.item_limit or drift.MOST, drift.MOST)
        elsewhere = job.source_id is not None
        rows = datasets.target_rows(session, job.dataset_id, job.split, most, elsewhere=elsewhere)
        priced = likeness.priced(session, job, rows)
    found: dict[str, Any] | None = drift.told_apart(known, priced)
    with begin() as session:
        every = datasets.target_rows(session, job.dataset_id, job.split, job.item_limit, elsewhere=elsewhere)
        if found and found["low"] > conformal.UNLIKE:
            unlike = drift.unlike(known, likeness.priced(session, job, every))
        else:
            calibrating, priced = lists.similarities(session, job, reckoned)
            unlike = drift.far(calibrating, priced.filter(pl.col("row").is_in(every)))
    return ({"drift": found} if found else {}) | {lists.UNLIKE: unlike}


def _retrieval(job: Job, spec: BaseSpec) -> dict[str, Any]:
    """How fresh the knowledge base was, and what the model, if there is one, added to the neighbours it read."""
    with begin() as session:
        base = bases.of(session, job.learned_from)
        kept = {"freshness": bases.freshness(session, base.id).as_json()} if base else {}
        priced = known_prices.with_evidence(session, job.id) if spec.uses_llm else None
    added = neighbours_alone.added(*priced, level=comparison.level()) if priced is not None else None
    return kept | ({"neighbours_alone": added.as_json()} if added else {})
