"""How does a terminal follow a training? One line that moves, until the job is over; Ctrl-C cancels it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress

from db import job_progress, jobs, trainings
from db.engine import begin
from db.errors import UserError
from db.types import Job, JobState, Step, TrainingPoint
from db.types import Progress as Standing
from worker import amounts
from worker.cli import tables
from worker.cli.console import PlainColumn, err
from worker.jobs import actions

What = Annotated[str, typer.Argument(metavar="DATASET", help="Number or name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON and nothing else.")]
POLL_SECONDS = 1.0
Show = Callable[[list[TrainingPoint], Standing], None]


def done(job_id: int, *, quiet: bool) -> Job:
    """Follow a job to its end. Raises UserError if it failed or paused; Ctrl-C cancels it."""
    try:
        with _bar(job_id, quiet) as show:
            while True:
                with begin() as session:
                    job = jobs.get(session, job_id)
                    curve = [] if quiet else trainings.points(session, job_id)
                    [state] = job_progress.of(session, [job_id])
                show(curve, state)
                if job.state.is_final or job.state is JobState.PAUSED:
                    break
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        with contextlib.suppress(UserError):  # it ended meanwhile
            actions.cancel(job_id)
        raise
    if job.state is not JobState.DONE:
        raise UserError(f"Job {job_id}: {job.error}" if job.error else f"Job {job_id} was {job.state}.")
    return job


@contextmanager
def _bar(job_id: int, quiet: bool) -> Iterator[Show]:
    """The training's curve as one line on stderr, so that stdout stays clean for --json and pipes."""
    with begin() as session:
        job = jobs.get(session, job_id)
    columns = (PlainColumn("{task.description}"), BarColumn(), PlainColumn("{task.fields[told]}"))
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal) as bar:
        line = bar.add_task(tables.job_label(job), total=None, told="")

        def show(curve: list[TrainingPoint], at: Standing) -> None:
            now = "measuring what it forgot" if at.step is Step.GUARD else told(curve)
            bar.update(line, total=job.items_total or None, completed=at.items_done, told=now)

        yield show


def told(curve: list[TrainingPoint]) -> str:
    """Where a training stands: "step 40, loss 1.234, MAE $95.20, 5 min left"."""
    steps = [point for point in curve if point.kind == "step"]
    prices = [point.values["mae"] for point in curve if point.kind == "eval" and point.values.get("mae") is not None]
    parts = []
    if steps:
        values = steps[-1].values
        parts = [f"step {steps[-1].step:,}"]
        parts += [f"loss {values['loss']:.3f}"] if "loss" in values else []
        parts += [f"MAE {amounts.usd(prices[-1])}"] if prices else []
        parts += [f"{duration(values['eta_seconds'])} left"] if "eta_seconds" in values else []
    return ", ".join(parts)


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
