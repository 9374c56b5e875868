"""`pricewright export JOB FILE`: the predictions of a job in one file, or in two (those sure enough, and the rest), or
in the file that was uploaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from db import datasets, jobs, predictions
from db.engine import begin
from db.errors import UserError, WrongState
from db.types import Job, JobKind, JobState
from worker import amounts
from worker.cli.console import AsJson, out, print_json, warn
from worker.evaluation.certainty import TOLERANCES, USUAL_TOLERANCE
from worker.pricing import comparison, export, lists
from worker.pricing.priced_file import actions as priced_file
from worker.server.up import running_stack

app = typer.Typer()

_PERCENT = [round(100 * share) for share in TOLERANCES]


@app.command("export")
def export_job(
    job_id: Annotated[int, typer.Argument(metavar="JOB", help="Number of a pricing job.")],
    file: Annotated[
        Path | None,
        typer.Argument(help=f"Where to: {export.ENDINGS}; with --as-uploaded the ending of your file, or nothing."),
    ] = None,
    as_uploaded: Annotated[
        bool,
        typer.Option(
            "--as-uploaded",
            help="Write your own file, in its format and with every line: price, low, high, flag and reason are added.",
        ),
    ] = False,
    hit_rate: Annotated[
        float | None,
        typer.Option(
            "--hit-rate",
            min=1,
            max=99,
            help="Write two files: prices of which this many percent hit, and the rest (in your own file: flagged).",
        ),
    ] = None,
    within: Annotated[
        int | None, typer.Option(help=f"Percent of the true price that a hit may be off: {_PERCENT}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a job's predictions into a file, with --hit-rate into FILE-priced and FILE-for-a-person; with --as-uploaded
    the file that the dataset was loaded from, with prices."""
    if within is not None and hit_rate is None:
        raise UserError("--within belongs to --hit-rate; say how many percent of the prices should be so near.")
    if within is not None and within not in _PERCENT:
        raise UserError(f"--within must be one of {', '.join(map(str, _PERCENT))}.")
    tolerance = USUAL_TOLERANCE if within is None else within / 100
    if as_uploaded:
        _as_uploaded(job_id, file, hit_rate, tolerance, as_json=as_json)
        return
    if file is None:
        raise UserError("Say where to write, for example prices.csv; with --as-uploaded it gets the name of your file.")
    if hit_rate is None:
        _predictions(job_id, file, as_json=as_json)
    else:
        _lists(job_id, file, hit_rate, tolerance, as_json=as_json)


def _predictions(job_id: int, file: Path, *, as_json: bool) -> None:
    export.check(file)
    with running_stack(worker=False):
        _check_priced(job_id)
        with begin() as session:
            frame = predictions.of_job(session, job_id)
        export.write(frame, file)
    _tell(job_id, [file], {"rows": len(frame)}, [f"{len(frame):,} predictions are in {file}."], as_json=as_json)


def _lists(job_id: int, file: Path, hit_rate: float, tolerance: float, *, as_json: bool) -> None:
    targets = [_beside(file, part) for part in ("priced", "for-a-person")]
    for target in targets:
        export.check(target)
    with running_stack(worker=False):
        _check_priced(job_id)
        divided = lists.of_job(job_id, hit_rate / 100, tolerance)
        if divided is None:
            raise UserError(f"Job {job_id}: {lists.WHY_NONE}")
        for sentence in comparison.unlike([job_id]):
            warn(sentence)
        for frame, target in zip((divided.priced, divided.for_a_person), targets, strict=True):
            export.write(frame, target)
    said = [*lists.sentences(divided), f"They are in {targets[0]} and {targets[1]}."]
    _tell(job_id, targets, divided.as_json(), said, as_json=as_json)


def _as_uploaded(job_id: int, file: Path | None, hit_rate: float | None, tolerance: float, *, as_json: bool) -> None:
    with running_stack(worker=False):
        with begin() as session:
            dataset = datasets.get(session, _check_priced(job_id).dataset_id)
        target = file or Path(priced_file.name_of(dataset))
        for sentence in comparison.unlike([job_id]):
            warn(sentence)
        wish = None if hit_rate is None else hit_rate / 100
        flags = priced_file.write(job_id, target, hit_rate=wish, within=tolerance)
    counted = amounts.listed([f"{rows:,} {flag}" for flag, rows in flags.items()]) if flags else "none"
    said = f"{dataset.file_name} with prices is in {target}; its rows: {counted}."
    _tell(job_id, [target], {"rows": sum(flags.values()), "flags": flags}, [said], as_json=as_json)


def _check_priced(job_id: int) -> Job:
    with begin() as session:
        job = jobs.get(session, job_id)
    if job.kind is not JobKind.PRICE:
        raise WrongState(f"Job {job_id} priced nothing; `pricewright jobs` lists those that did.")
    if job.state is not JobState.DONE:
        warn(f"Job {job_id} is {job.state}: only what it has priced so far is exported.")
    return job


def _tell(job_id: int, targets: Sequence[Path], about: dict[str, Any], said: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"job": job_id, "files": [str(target) for target in targets]} | about)
        return
    for sentence in said:
        out.print(sentence)


def _beside(file: Path, part: str) -> Path:
    return file.with_name(f"{file.stem}-{part}{file.suffix}")
