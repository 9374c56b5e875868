"""The steps that ask how much data it needs: learn from a part and measure, again and again; then fit the curves."""

import time

import numpy as np

from db import chunks, datasets, jobs, rates, results
from db.engine import Session, begin
from db.job_results import RungResult
from db.settings import settings
from worker.data_need import ways
from worker.data_need.parts import part_of
from worker.data_need.results import measured, rung_name, rungs_of
from worker.datasets import quantities, weights
from worker.evaluation.data_verdict import report
from worker.progress import Aside
from worker.prompts import versions
from worker.prompts.currency import in_currency
from worker.specs import data_need
from worker.specs.data_need import FINETUNE, WAYS
from worker.work import Commit, Work


def rung(work: Work) -> Commit:
    """Let one way learn from one part of the train side, and price the rows that all are measured on."""
    job, spec = work.job, data_need.parse(work.job.spec["data_need"])
    [place] = work.chunk.rows
    largest: int = job.spec["rows"]
    way, rows = spec.rungs(largest)[place]
    with begin() as session:
        dataset = datasets.get(session, job.dataset_id)
        part = part_of(session, dataset.id, spec, way, rows)
        measured = part.measured["row"].to_list()
        worth = weights.of_rows(session, dataset, measured)
        units = quantities.of_rows(session, dataset.id, measured)
        template = in_currency(versions.resolve(session, spec.train.prompt), spec.train.currency)

    started, progress = time.perf_counter(), Aside(work.progress)
    if way == FINETUNE:
        epochs = spec.training(len(part.train), largest).epochs
        learned = ways.fine_tuned(part, dataset.id, spec.train, epochs, template, work.scratch, progress)
    else:
        learned = ways.fitted(part, dataset.id, spec.train, progress)
    seconds = time.perf_counter() - started

    errors = np.abs(learned.prices - part.measured["price"].to_numpy()) * units
    off = tuple(None if np.isnan(error) else round(float(error), 4) for error in errors)
    result = RungResult(
        way=way,
        rows=rows,
        seconds=learned.seconds,
        errors=off,
        weights=tuple(worth or ()),
        weighted_by=weights.column(dataset),
    )

    def commit(session: Session) -> chunks.Tally:
        results.add(session, job.id, {rung_name(place): result.as_json()})
        jobs.add_fixed_cost(session, job.id, seconds, rates.of_work(job, seconds))
        return chunks.Tally(items=rows)

    return commit


def forecast(work: Work) -> Commit:
    """Fit the curves over all parts; the job's result is worker.evaluation.data_verdict.report with the parts."""
    job = work.job
    with begin() as session:
        parts = rungs_of(results.get(session, job.id))

    rungs = measured(parts)
    seconds = {(part.way, part.rows): part.seconds for part in parts}
    verdict = report(rungs, seconds, job.spec["there"], FINETUNE, WAYS, settings().confidence)
    verdict["weighted_by"] = parts[0].weighted_by if rungs[0].weights is not None else ""

    def commit(session: Session) -> chunks.Tally:
        results.add(session, job.id, {"report": verdict})
        return chunks.Tally()

    return commit
