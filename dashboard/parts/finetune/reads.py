"""Reads of the Fine-tune page; curves come thinned."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboard.shared import reads, words
from db import jobs as _jobs
from db import trainings as _trainings
from db.engine import begin
from db.types import Adapter, Dataset, Job, JobKind, TrainingPoint
from worker.finetune import planning
from worker.specs.finetune import TrainSpec

MOST_POINTS = 300
"""Points of a curve: more can't be told apart on a chart, and a page draws it anew every second or two."""

LOG_LINES = 200

_MEASURED = {
    "step": pl.Int64,
    "loss": pl.Float64,
    "mae": pl.Float64,
    "median_relative_error": pl.Float64,
    "parse_rate": pl.Float64,
    "is_best": pl.Boolean,
}


@dataclass(frozen=True)
class Curve:
    """What a training told so far."""

    steps: pl.DataFrame  # db.trainings.thinned
    measured: pl.DataFrame  # _MEASURED: validation rows priced, by step
    step: int  # the last one; 0 = none yet
    latest: dict[str, Any]  # what was told at that step; worker.training.loop says what
    log: list[str]  # the last lines, oldest first

    @property
    def total(self) -> int:
        """Steps in all, as far as anybody knows."""
        return int(self.latest.get("steps") or self.step)

    @property
    def best(self) -> dict[str, Any] | None:
        """The line of `measured` whose weights are kept; None before the first measurement."""
        found = self.measured.filter("is_best")
        return found.row(-1, named=True) if len(found) else None


def trainings(dataset_id: int) -> list[Job]:
    """Fine-tunes, newest first."""
    return reads.jobs_of(dataset_id, JobKind.FINETUNE)


def curve(job_id: int) -> Curve:
    with begin() as session:
        steps = _trainings.thinned(session, job_id, MOST_POINTS)
        points = _trainings.points(session, job_id, "eval", "note")
        latest = _trainings.latest(session, job_id)
    lines = [line for point in points for line in _lines(point)]
    return Curve(
        steps,
        _thinned([point for point in points if point.kind == "eval"]),
        latest.step if latest else 0,
        latest.values if latest else {},
        lines[-LOG_LINES:],
    )


def _thinned(points: list[TrainingPoint]) -> pl.DataFrame:
    """Every n-th measurement, the last one, and all that were the best so far."""
    apart = max(1, len(points) // MOST_POINTS)
    kept = [
        point
        for place, point in enumerate(points)
        if place % apart == 0 or place == len(points) - 1 or point.values.get("is_best")
    ]
    lines = [{"step": point.step, **{name: point.values.get(name) for name in list(_MEASURED)[1:]}} for point in kept]
    return pl.DataFrame(lines, schema=_MEASURED).with_columns(pl.col("is_best").fill_null(False))


def _lines(point: TrainingPoint) -> list[str]:
    at = f"{point.at:%H:%M:%S}  " if point.at else ""
    if point.kind == "note":
        return [f"{at}{line}" for line in str(point.values.get("text", "")).splitlines()]
    best = " (best so far)" if point.values.get("is_best") else ""
    return [f"{at}step {point.step:,}: {words.measurement(point.values)}{best}"]


def is_stopping(job_id: int) -> bool:
    """Whether somebody asked a training to stop with the best it has."""
    with begin() as session:
        return _trainings.is_asked_to_stop(session, job_id)


def made_by(job: Job) -> Adapter | None:
    """The adapter of a fine-tune; None before there is one, and when it was deleted."""
    with begin() as session:
        return planning.made_by(session, job)


def history(jobs: list[Job]) -> list[tuple[Job, Adapter | None]]:
    """Fine-tunes with what came of them."""
    with begin() as session:
        return [(job, planning.made_by(session, job)) for job in jobs]


def pilot(dataset: Dataset, spec: TrainSpec) -> Job | None:
    """The newest timing of a fine-tune with these settings."""
    with begin() as session:
        wanted = planning.pinned(session, dataset, spec).hash
        return next((job for job in _jobs.all(session, dataset.id, JobKind.PILOT) if job.spec_hash == wanted), None)
