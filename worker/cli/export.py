"""`pricewright export JOB FILE`: the predictions of a job in one file, or in two: those sure enough, and the rest."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from db import analytics, jobs
from db.analytics import EVERYTHING, Filters, Order
from db.engine import begin
from db.errors import UserError, WrongState
from db.types import JobKind, JobState
from worker.cli.console import AsJson, out, print_json, warn
from worker.evaluation.certainty import TOLERANCES, USUAL_TOLERANCE
from worker.pricing import comparison, export, filtering, lists
from worker.server.up import running_stack

app = typer.Typer()

_PERCENT = [round(100 * share) for share in TOLERANCES]


@app.command("export")
def export_job(
    job_id: Annotated[int, typer.Argument(metavar="JOB", help="Number of a pricing job.")],
    file: Annotated[Path, typer.Argument(help=f"Where to: {export.ENDINGS}.")],
    hit_rate: Annotated[
        float | None,
        typer.Option(
            "--hit-rate", min=1, max=99, help="Write two files: prices of which this many percent hit, and the rest."
        ),
    ] = None,
    where: Annotated[list[str] | None, typer.Option(help=f"Only predictions that fit: {filtering.ABOUT}")] = None,
    words: Annotated[str, typer.Option("--search", help="Only products in which all these words occur.")] = "",
    sort: Annotated[str, typer.Option(help="Sort by this column; -COLUMN has the largest first.")] = "row",
    within: Annotated[
        int | None, typer.Option(help=f"Percent of the true price that a hit may be off: {_PERCENT}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a job's predictions into a file; with --hit-rate into FILE-priced and FILE-for-a-person."""
    filters, order = filtering.parsed(where or (), words), filtering.order(sort)
    if hit_rate is not None and (filters, order) != (EVERYTHING, Order()):
        raise UserError("--hit-rate divides all rows, so it goes without --where, --search and --sort.")
    if within is not None and hit_rate is None:
        raise UserError("--within belongs to --hit-rate; say how many percent of the prices should be so near.")
    if within is not None and within not in _PERCENT:
        raise UserError(f"--within must be one of {', '.join(map(str, _PERCENT))}.")
    targets = [file] if hit_rate is None else [_beside(file, part) for part in ("priced", "for-a-person")]
    for target in targets:
        export.check(target)
    with running_stack(worker=False):
        with begin() as session:
            job = jobs.get(session, job_id)
        if job.kind is not JobKind.PRICE:
            raise WrongState(f"Job {job_id} priced nothing; `pricewright jobs` lists those that did.")
        if job.state is not JobState.DONE:
            warn(f"Job {job_id} is {job.state}: only what it has priced so far is exported.")
        if hit_rate is None:
            about, said = _all_that_fit(job_id, filters, order, file)
        else:
            about, said = _divided(job_id, hit_rate, USUAL_TOLERANCE if within is None else within / 100, targets)
    if as_json:
        print_json({"job": job_id, "files": [str(target) for target in targets]} | about)
        return
    for sentence in said:
        out.print(sentence)


def _all_that_fit(job_id: int, filters: Filters, order: Order, file: Path) -> tuple[dict[str, Any], list[str]]:
    """Write the predictions that fit; what to tell of them, as JSON and as sentences."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        with begin() as session:
            analytics.write(session, job_id, path)
        frame, total = analytics.fitting(path, filters, order).drop("error"), analytics.count(path)
    export.write(frame, file)
    said, phrases = [f"{len(frame):,} predictions are in {file}."], filtering.told(filters)
    if phrases:
        said.append(f"Of {total:,}, those that fit: {'; '.join(phrases)}.")
    return {"rows": len(frame), "of": total, "filters": phrases}, said


def _divided(job_id: int, hit_rate: float, within: float, targets: list[Path]) -> tuple[dict[str, Any], list[str]]:
    """Write both lists at a wished hit rate; what to tell of them, as JSON and as sentences."""
    divided = lists.of_job(job_id, hit_rate / 100, within)
    if divided is None:
        raise UserError(f"Job {job_id}: {lists.WHY_NONE}")
    for sentence in comparison.unlike([job_id]):
        warn(sentence)
    for frame, target in zip((divided.priced, divided.for_a_person), targets, strict=True):
        export.write(frame, target)
    return divided.as_json(), [*lists.sentences(divided), f"They are in {targets[0]} and {targets[1]}."]


def _beside(file: Path, part: str) -> Path:
    return file.with_name(f"{file.stem}-{part}{file.suffix}")
