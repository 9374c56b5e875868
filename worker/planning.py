"""From a spec and a dataset to chunks, and to an estimate of time and money before anything is started."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from db import artifacts, datasets, jobs, rates, workers
from db.engine import Session
from db.errors import NotReady
from db.types import Dataset, Queue, Split, Step
from worker.specs import BaseSpec

# Rounded from single runs on two busy cores, so only the order of magnitude counts; used until this installation has
# measured its own.
# technique -> seconds (per item, fixed part of the fit, fit per train row)
_PRIORS: dict[str, tuple[float, float, float]] = {
    "constant": (0.000_002, 0.01, 0.000_001),
    "ridge": (0.000_5, 0.5, 0.000_7),
    "lightgbm": (0.000_5, 2.0, 0.002),
    "neighbours": (0.03, 5.0, 0.03),
    "zero-shot": (0.4, 0.0, 0.0),
    "multi-shot": (0.8, 1.0, 0.0),
}


@dataclass(frozen=True)
class Estimate:
    """What a job would take; money at today's rates."""

    spec: BaseSpec
    items: int
    seconds: float  # pricing
    usd: Decimal
    fixed_seconds: float  # fitting and indexing
    fixed_usd: Decimal
    basis: str  # a sentence: what this rests on
    reuses: int | None  # a job that already has these answers


def chunks(spec: BaseSpec, rows: Sequence[int], *, measure: bool) -> list[tuple[Step, list[int]]]:
    """The steps of a pricing job: fit, the rows in pieces of `chunk_items`, and a measurement at the end."""
    pieces = [list(rows[start : start + spec.chunk_items]) for start in range(0, len(rows), spec.chunk_items)]
    return (
        ([(Step.FIT, [])] if spec.needs_fit else [])
        + [(Step.PRICE, piece) for piece in pieces]
        + ([(Step.EVALUATE, [])] if measure else [])
    )


def queue_for(session: Session, spec: BaseSpec) -> Queue:
    """Language models go to a GPU where a GPU worker is there; everything else to the CPU."""
    return Queue.GPU if spec.uses_llm and workers.serves(session, Queue.GPU) else Queue.CPU


def check(dataset: Dataset, spec: BaseSpec, rows: Sequence[int]) -> None:
    """Raises NotReady when the job could only fail."""
    if not rows:
        raise NotReady("There are no rows to price here: choose other rows, or a file that has some.")
    if spec.needs_fit and not dataset.splits.get(Split.TRAIN):
        raise NotReady(f"{spec.label} learns from rows with a price, and this dataset has none; use another technique.")


def estimate(session: Session, dataset: Dataset, spec: BaseSpec, split: Split | None, limit: int | None) -> Estimate:
    rows = len(datasets.target_rows(session, dataset.id, split, limit))
    queue = queue_for(session, spec)
    usd_per_hour = rates.usd_per_hour(session, queue)
    per_item, fit_seconds, basis = _speed(session, dataset, spec)
    if spec.needs_fit:
        done = artifacts.fit_seconds(session, datasets.fit_hash(dataset, spec.hash))
        fit_seconds = done if done is not None else fit_seconds
    else:
        fit_seconds = 0.0
    same = jobs.same(session, dataset.id, spec.hash, split, limit)
    return Estimate(
        spec=spec,
        items=rows,
        seconds=per_item * rows,
        usd=rates.usd_for(per_item * rows, usd_per_hour),
        fixed_seconds=fit_seconds,
        fixed_usd=rates.usd_for(fit_seconds, usd_per_hour),
        basis=basis,
        reuses=same.id if same else None,
    )


def _speed(session: Session, dataset: Dataset, spec: BaseSpec) -> tuple[float, float, str]:
    """(seconds per item, seconds to fit, what that rests on): the nearest measurement there is."""
    technique = str(spec.model_dump()["technique"])
    exact = jobs.measured_seconds(session, technique, spec.hash)
    if exact:
        return *exact, "Measured here with these very settings."
    similar = jobs.measured_seconds(session, technique)
    if similar:
        return *similar, "Measured here with other settings of this technique."
    per_item, fixed, per_row = _PRIORS[technique]
    fit = fixed + per_row * dataset.splits.get(Split.TRAIN, 0)
    return per_item, fit, "A rule of thumb from two ordinary cores; it becomes a measurement after the first run."
