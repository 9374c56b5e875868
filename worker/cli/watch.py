"""Waiting for jobs, with bars that move; Ctrl-C cancels them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TimeRemainingColumn

from db import job_progress, trainings
from db.engine import DatabaseAway, begin
from db.errors import UserError
from db.job_progress import JobProgress
from db.types import Job, JobState, Step, TrainingPoint
from worker import amounts
from worker.cli import find, tables
from worker.cli.console import PlainColumn, err, warn
from worker.jobs import actions

POLL_SECONDS = 0.2
CURVE_SECONDS = 1.0  # between two looks at a training's curve, which is read whole
PATIENCE_SECONDS = 60.0  # how long a database may be away before a watching command gives up

Show = Callable[[JobProgress], None]


def wait(job_ids: Sequence[int], *, quiet: bool) -> None:
    """Follow jobs until none moves any more, one bar each. Raises UserError if one failed or paused."""
    with _bars(quiet) as show:
        ends = _follow(job_ids, show)
    failed = [end for end in ends if end.state is not JobState.DONE]
    if failed:
        first = failed[0]
        reason = first.error or f"It was {first.state}; pricewright retry {first.job_id} goes on with it."
        raise UserError(f"Job {first.job_id}: {reason}" if first.state is JobState.PAUSED else reason)
    for end in ends:
        if end.error:  # done, and something to say: it brought nothing
            warn(f"Job {end.job_id}: {end.error}")


def wait_for_training(job_id: int, *, quiet: bool) -> Job:
    """Follow one job to its end, with the curve of what it trains. Raises UserError if it failed or paused."""
    with _curve(job_id, quiet) as show:
        _follow([job_id], show, CURVE_SECONDS)
    job = find.job(job_id)
    if job.state is not JobState.DONE:
        raise UserError(f"Job {job_id}: {job.error}" if job.error else f"Job {job_id} was {job.state}.")
    return job


def _follow(job_ids: Sequence[int], show: Show, seconds: float = POLL_SECONDS) -> list[JobProgress]:
    """Where the jobs stand when none moves any more; until then `show` is told every `seconds`."""
    try:
        while True:
            standings = _standings(job_ids)
            for standing in standings:
                show(standing)
            if all(each.state.is_final or each.state is JobState.PAUSED for each in standings):
                return standings
            time.sleep(seconds)
    except KeyboardInterrupt:
        for job_id in job_ids:
            with suppress(UserError):  # it ended meanwhile
                actions.cancel(job_id)
        raise


def _standings(job_ids: Sequence[int]) -> list[JobProgress]:
    """How far the jobs are. A database that restarts is waited for: the work survives it, so should the watcher."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with begin() as session:
                return job_progress.of(session, job_ids)
        except DatabaseAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def _display(columns: Sequence[ProgressColumn], quiet: bool) -> Progress:
    """Bars on stderr, so that stdout stays clean for --json and pipes."""
    return Progress(*columns, console=err, disable=quiet or not err.is_terminal)


@contextmanager
def _bars(quiet: bool) -> Iterator[Show]:
    """Show one bar per job."""
    columns = (PlainColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[int, TaskID] = {}
    with _display(columns, quiet) as bars:

        def show(standing: JobProgress) -> None:
            if standing.job_id not in tasks:
                tasks[standing.job_id] = bars.add_task(tables.job_label(find.job(standing.job_id)))
            total = standing.items_total or None
            bars.update(tasks[standing.job_id], total=total, completed=standing.items_done)

        yield show


@contextmanager
def _curve(job_id: int, quiet: bool) -> Iterator[Show]:
    """Show the training's curve as one line."""
    job = find.job(job_id)
    columns = (PlainColumn("{task.description}"), BarColumn(), PlainColumn("{task.fields[stage]}"))
    with _display(columns, quiet) as bar:
        line = bar.add_task(tables.job_label(job), total=None, stage="")

        def show(standing: JobProgress) -> None:
            if quiet:
                return
            try:
                with begin() as session:
                    curve = trainings.points(session, job_id)
            except DatabaseAway:  # the next look waits for it
                return
            stage = "measuring what it forgot" if standing.step is Step.GATE else curve_line(curve)
            bar.update(line, total=job.items_total or None, completed=standing.items_done, stage=stage)

        yield show


def curve_line(curve: list[TrainingPoint]) -> str:
    """Where a training stands: "step 40, loss 1.234, MAE $95.20, 5 min left"."""
    steps = [point for point in curve if point.kind == "step"]
    prices = [point.values["mae"] for point in curve if point.kind == "eval" and point.values.get("mae") is not None]
    parts = []
    if steps:
        values = steps[-1].values
        parts = [f"step {steps[-1].step:,}"]
        parts += [f"loss {values['loss']:.3f}"] if "loss" in values else []
        parts += [f"MAE {amounts.price(prices[-1])}"] if prices else []
        parts += [f"{amounts.duration(values['eta_seconds'])} left"] if "eta_seconds" in values else []
    return ", ".join(parts)
