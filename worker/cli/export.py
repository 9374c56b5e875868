"""`pricewright export JOB FILE`: the predictions of a job in one file, or in two (those sure enough, and the rest), or
in the file that was uploaded."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from db import analytics, datasets
from db.analytics import EVERYTHING, Filters, Order
from db.engine import begin
from db.errors import UserError, WrongState
from db.types import Job, JobKind, JobState
from worker import amounts
from worker.cli import cautions, find
from worker.cli.console import AsJson, out, print_json, warn
from worker.evaluation.certainty import TOLERANCES, USUAL_TOLERANCE
from worker.pricing import export, filtering, lists
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
    where: Annotated[list[str] | None, typer.Option(help=f"Only predictions that fit: {filtering.ABOUT}")] = None,
    words: Annotated[str, typer.Option("--search", help="Only products in which all these words occur.")] = "",
    sort: Annotated[str, typer.Option(help="Sort by this column; -COLUMN has the largest first.")] = "row",
    within: Annotated[
        int | None, typer.Option(help=f"Percent of the true price that a hit may be off: {_PERCENT}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a job's predictions into a file, with --hit-rate into FILE-priced and FILE-for-a-person; with --as-uploaded
    the file that the dataset was loaded from, with prices."""
    filters, order = filtering.parsed(where or (), words), filtering.order(sort)
    if (hit_rate is not None or as_uploaded) and (filters, order) != (EVERYTHING, Order()):
        raise UserError("--hit-rate and --as-uploaded take all rows, so they go without --where, --search and --sort.")
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
        _all_that_fit(job_id, file, filters, order, as_json=as_json)
    else:
        _lists(job_id, file, hit_rate, tolerance, as_json=as_json)


def _all_that_fit(job_id: int, file: Path, filters: Filters, order: Order, *, as_json: bool) -> None:
    export.check(file)
    with running_stack(worker=False), tempfile.TemporaryDirectory() as folder:
        _check_priced(job_id)
        path = Path(folder) / "predictions.parquet"
        with begin() as session:
            analytics.write(session, job_id, path)
        frame, total = analytics.fitting(path, filters, order).drop("error"), analytics.count(path)
        export.write(export.with_currency(frame, amounts.money().currency.code), file)
    said, phrases = [f"{len(frame):,} predictions are in {file}."], filtering.told(filters)
    if phrases:
        said.append(f"Of {total:,}, those that fit: {'; '.join(phrases)}.")
    _tell(job_id, [file], {"rows": len(frame), "of": total, "filters": phrases}, said, as_json=as_json)


def _lists(job_id: int, file: Path, hit_rate: float, tolerance: float, *, as_json: bool) -> None:
    targets = [_beside(file, part) for part in ("priced", "for-a-person")]
    for target in targets:
        export.check(target)
    with running_stack(worker=False):
        _check_priced(job_id)
        divided = lists.of_job(job_id, hit_rate / 100, tolerance)
        if divided is None:
            raise UserError(f"Job {job_id}: {lists.WHY_NONE}")
        cautions.say_unlike([job_id], quiet=False)
        for frame, target in zip((divided.priced, divided.for_a_person), targets, strict=True):
            export.write(export.with_currency(frame, amounts.money().currency.code), target)
    said = [*lists.sentences(divided), f"They are in {targets[0]} and {targets[1]}."]
    _tell(job_id, targets, divided.as_json(), said, as_json=as_json)


def _as_uploaded(job_id: int, file: Path | None, hit_rate: float | None, tolerance: float, *, as_json: bool) -> None:
    with running_stack(worker=False):
        with begin() as session:
            dataset = datasets.get(session, _check_priced(job_id).dataset_id)
        target = file or Path(priced_file.name_of(dataset))
        cautions.say_unlike([job_id], quiet=False)
        wish = None if hit_rate is None else hit_rate / 100
        flags = priced_file.write(job_id, target, hit_rate=wish, within=tolerance)
    counted = amounts.listed([f"{rows:,} {flag}" for flag, rows in flags.items()]) if flags else "none"
    said = f"{dataset.file_name} with prices is in {target}; its rows: {counted}."
    _tell(job_id, [target], {"rows": sum(flags.values()), "flags": flags}, [said], as_json=as_json)


def _check_priced(job_id: int) -> Job:
    job = find.job(job_id)
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
