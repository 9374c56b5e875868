"""`pricewright export JOB FILE`: the predictions of a job in one file, or in two: those sure enough, and the rest."""

from pathlib import Path
from typing import Annotated

import typer

from db import jobs, predictions
from db.engine import begin
from db.errors import UserError, WrongState
from db.types import JobKind, JobState
from worker.cli.console import AsJson, out, print_json, warn
from worker.evaluation.certainty import TOLERANCES, USUAL_TOLERANCE
from worker.pricing import comparison, export, lists
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
    within: Annotated[
        int | None, typer.Option(help=f"Percent of the true price that a hit may be off: {_PERCENT}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a job's predictions into a file; with --hit-rate into FILE-priced and FILE-for-a-person."""
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
            with begin() as session:
                frame = predictions.of_job(session, job_id)
            export.write(frame, file)
            about = {"rows": len(frame)}
            said = [f"{len(frame):,} predictions are in {file}."]
        else:
            tolerance = USUAL_TOLERANCE if within is None else within / 100
            divided = lists.of_job(job_id, hit_rate / 100, tolerance)
            if divided is None:
                raise UserError(f"Job {job_id}: {lists.WHY_NONE}")
            for sentence in comparison.unlike([job_id]):
                warn(sentence)
            for frame, target in zip((divided.priced, divided.for_a_person), targets, strict=True):
                export.write(frame, target)
            about = divided.as_json()
            said = [*lists.sentences(divided), f"They are in {targets[0]} and {targets[1]}."]
    if as_json:
        print_json({"job": job_id, "files": [str(target) for target in targets]} | about)
        return
    for sentence in said:
        out.print(sentence)


def _beside(file: Path, part: str) -> Path:
    return file.with_name(f"{file.stem}-{part}{file.suffix}")
