"""The steps that ask how much data it needs: learn from a part and measure, again and again; then fit the curves."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from db import chunks, datasets, jobs, rates, results
from db.engine import Session, begin
from db.types import Dataset, Split
from worker import specs
from worker.data_need.resources import RowsResources
from worker.evaluation.data_curve import Rung
from worker.evaluation.data_verdict import report
from worker.evaluation.resampling import Floats
from worker.finetune.examples import exemplify, sample
from worker.finetune.steps import train_on
from worker.resources import local_model
from worker.specs import data_need
from worker.specs.data_need import FINETUNE, RUNG, WAYS, DataNeedSpec
from worker.specs.finetune import TrainSpec
from worker.techniques import build
from worker.techniques.shared.prompting import Aside

if TYPE_CHECKING:
    from worker.work import Work

Commit = Callable[[Session], chunks.Tally]

SEED = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one way learns from and is measured on: frames of ITEM_SCHEMA with prices."""

    way: str
    train: pl.DataFrame
    choosing: pl.DataFrame  # validation rows by which a technique may choose
    measured: pl.DataFrame  # other validation rows, the same for all parts and ways


def rung(work: "Work") -> Commit:
    """Let one way learn from one part of the train side, and price the rows that all are measured on."""
    spec = data_need.parse(work.job.spec["data_need"])
    [place] = work.chunk.rows
    way, rows = spec.rungs(work.job.spec["rows"])[place]
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
    part = part_of(dataset, spec, way, rows)
    started = time.perf_counter()
    prices, learning = (_trained if way == FINETUNE else _fitted)(work, dataset, spec, part)
    seconds = time.perf_counter() - started
    errors = np.abs(prices - part.measured["price"].to_numpy())
    found = {
        "way": way,
        "rows": rows,
        "seconds": learning,
        "errors": [None if np.isnan(error) else round(float(error), 4) for error in errors],
    }

    def commit(session: Session) -> chunks.Tally:
        results.add(session, work.job.id, {f"{RUNG}{place}": found})
        jobs.add_fixed_cost(session, work.job.id, seconds, rates.usd_for(seconds, work.job.rate_usd_per_hour))
        return chunks.Tally(items=rows)

    return commit


def part_of(dataset: Dataset, spec: DataNeedSpec, way: str, rows: int) -> Part:
    """A larger part contains every smaller one. The test side is not touched: it stays unseen for the comparison that
    comes after the decision."""
    with begin() as session:
        train, validation = (datasets.items(session, dataset.id, side) for side in (Split.TRAIN, Split.VALIDATION))
    priced = pl.col("price") > 0
    order = sample(validation.filter(priced), 0, SEED)
    half = len(order) // 2
    return Part(way, sample(train.filter(priced), rows, SEED), order[:half], order[half:][: spec.measured])


def _trained(work: "Work", dataset: Dataset, spec: DataNeedSpec, part: Part) -> tuple[Floats, float]:
    """$ of each measured row, NaN where none came, and the seconds that learning took."""
    from worker.training.validation import measure

    progress = Aside(work.progress)
    training = spec.training(len(part.train), work.job.spec["rows"])
    outcome = train_on(dataset, training, part.train, part.choosing, work.scratch, progress)
    base = local_model(spec.train.model)
    examples = exemplify(dataset, spec.train, part.measured, progress, learns=False)
    told = measure(base.adapted(outcome.files), examples, spec.train).predicted
    base.network.forget()
    return told["price"].fill_null(float("nan")).to_numpy(), outcome.seconds


def _fitted(work: "Work", dataset: Dataset, spec: DataNeedSpec, part: Part) -> tuple[Floats, float]:
    """As `_trained`, for a technique that fits or reads neighbours."""
    progress = Aside(work.progress)
    technique = build(technique_spec(part.way, spec.train), RowsResources(dataset.id))
    started = time.perf_counter()
    technique.load(technique.fit(part.train, part.choosing, progress))
    seconds = time.perf_counter() - started
    told = technique.price(part.measured.with_columns(price=pl.lit(None, pl.Float64)), progress)
    return told["price"].fill_null(float("nan")).to_numpy(), seconds


def technique_spec(way: str, trained: TrainSpec) -> specs.BaseSpec:
    """As the Run page would start it; RAG asks the very model that is fine-tuned."""
    values: dict[str, Any] = {"technique": way}
    if way == "rag":
        values |= {name: getattr(trained, name) for name in ("model", "min_price", "max_price", "max_text_tokens")}
    return specs.parse(values)


def forecast(work: "Work") -> Commit:
    """Fit the curves over all parts; the job's result is worker.evaluation.data_verdict.report with the parts."""
    with begin() as session:
        told = results.get(session, work.job.id) or {}
    parts = [value for name, value in told.items() if name.startswith(RUNG)]
    rungs = [
        Rung(part["way"], part["rows"], np.array([np.nan if e is None else e for e in part["errors"]]))
        for part in parts
    ]
    seconds = {(part["way"], part["rows"]): part["seconds"] for part in parts}
    made = report(rungs, seconds, work.job.spec["there"], FINETUNE, WAYS)

    def commit(session: Session) -> chunks.Tally:
        results.add(session, work.job.id, {"report": made})
        return chunks.Tally()

    return commit
