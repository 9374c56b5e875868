"""`pricewright …`: the same verbs as the pages, for a terminal and for scripts (`--json`)."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from db import datasets, job_progress, jobs, predictions
from db.engine import DatabaseAway, access, begin
from db.errors import NotFound, UserError
from db.servers.permissions import keep_private
from db.types import Dataset, DatasetState, JobKind, JobState, Progress, Split
from worker import specs
from worker.cli import adapters, data_need, endpoints, finetune, knowledge, prompts, tables
from worker.cli.console import PlainColumn, err, out, tell_error
from worker.datasets import actions as dataset_actions
from worker.datasets.answers import NOTHING_SAID, Answers, Sign
from worker.jobs import actions
from worker.pricing import actions as pricing_actions
from worker.pricing import comparison, export
from worker.server import doctor as server_doctor
from worker.server.up import running_stack, supervise

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they may hold keys
    help="Which technique prices my products best for the money?",
)

Cap = Annotated[float | None, typer.Option(min=0, help="Dollars each job may pay to endpoints, then it pauses.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON and nothing else.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="field=value of the technique's spec.")]

DecimalSign = Annotated[
    Sign | None, typer.Option("--decimal", help="Decimal sign of prices in the file that are text: 1.234 is 1 or 1234.")
]
WideRows = Annotated[
    bool, typer.Option("--accept-wide-rows", help="Load a file whose rows have more cells than its header has names.")
]
POLL_SECONDS = 0.2
PATIENCE_SECONDS = 60.0  # how long a database may be away before a watching command gives up

for _part in (knowledge, endpoints, prompts, adapters):
    app.add_typer(_part.app, name=_part.__name__.rpartition(".")[2])
finetune.add_to(app)
data_need.add_to(app)


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 the user can put it right (one sentence on stderr), 2 wrong usage."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    keep_private()
    try:
        app()
    except UserError as error:
        tell_error(str(error))
        sys.exit(1)
    except DatabaseAway as error:
        tell_error(f"The database does not answer ({error}); is it running?")
        sys.exit(1)


@app.callback()
def _closed(context: typer.Context) -> None:
    """Commands reach the database inside running_stack only."""
    context.with_resource(access(is_open=False))


def _print_json(value: Any) -> None:
    print(json.dumps(value, default=str, ensure_ascii=False))


@app.command()
def up() -> None:
    """Start everything (database, broker, worker, dashboard) and keep it running until Ctrl-C."""
    raise typer.Exit(supervise())


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX or Parquet, also gzipped.")],
    columns: Annotated[
        list[str] | None, typer.Option("--map", help="field=column, e.g. title=Name; empty column = leave out.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the dataset.")] = None,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    as_json: AsJson = False,
) -> None:
    """Upload a table: every line becomes an item or a reject with its reason."""
    with running_stack():
        said = _said(decimal, accept_wide_rows)
        dataset, about = _load(file, _mapping(columns or []), name, said, quiet=as_json)
    report = {
        "dataset": dataset.id,
        "rows_in": dataset.rows_in,
        "items": dataset.items,
        "rejects": dataset.rejects,
        "splits": dataset.splits,
    }
    if as_json:
        _print_json(report | {"name": dataset.name} | about)
    else:
        out.print(f"Dataset {dataset.id} ({dataset.name}): {dataset.items:,} items, {dataset.rejects:,} rejects.")
        out.print("Splits: " + ", ".join(f"{count:,} {split}" for split, count in dataset.splits.items()))
    _refuse_empty(dataset)


def _said(decimal: Sign | None, accept_wide_rows: bool) -> Answers:
    return Answers(decimal.mark if decimal else None, accept_wide_rows)


def _refuse_empty(dataset: Dataset) -> None:
    if not dataset.items:
        raise UserError(tables.nothing_loaded(dataset))


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        field, separator, column = pair.partition("=")
        if not separator:
            raise UserError(f"--map {pair!r} should look like field=column, for example title=Name.")
        if field not in tables.FIELDS:
            raise UserError(f"There is no field {field!r}; choose from {', '.join(tables.FIELDS)}.")
        mapping[field] = column
    return mapping


def _load(
    file: Path, mapping: dict[str, str], name: str | None, said: Answers, *, quiet: bool, reuse: bool = False
) -> tuple[Dataset, dict[str, Any]]:
    """Upload, inspect, map and load, and say what the look found unless `quiet`; the dataset and that look for JSON.

    `reuse`: a dataset that is the same already is taken instead. Raises UserError with the reason when the file can't
    be used, and keeps nothing of it when a question is open.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    with file.open("rb") as stream:
        dataset_id = dataset_actions.upload(file.name, stream)
    _wait([_latest(dataset_id, JobKind.INSPECT)], quiet=quiet)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        twins = [each.id for each in datasets.of_file(session, dataset.file_sha256) if each.id != dataset_id]
    mapping = {field: column for field, column in (dataset.mapping | mapping).items() if column}
    same = dataset_actions.loaded_already(dataset_id, mapping, said) if reuse else None
    lines = tables.look(dataset, mapping)
    if same:
        lines.append(tables.used(same))
    elif twins:
        numbers = ", ".join(map(str, sorted(twins)))
        lines.append(f"Dataset{'s' * (len(twins) > 1)} {numbers} came from the same bytes; this is another one.")
    for line in lines if not quiet else ():
        out.print(line)
    about = {"mapping": mapping, "warnings": tables.doubts(dataset), "reused": bool(same), "same_bytes": sorted(twins)}
    if same:
        dataset_actions.delete_dataset(dataset_id)
        return same, about
    try:
        job_id = dataset_actions.load(dataset_id, mapping, name, said)
    except UserError:
        dataset_actions.delete_dataset(dataset_id)
        raise
    _wait([job_id], quiet=quiet)
    with begin() as session:
        return datasets.get(session, dataset_id), about


def _latest(dataset_id: int, kind: JobKind) -> int:
    with begin() as session:
        job = jobs.latest(session, dataset_id, kind)
    if job is None:
        raise NotFound(f"Dataset {dataset_id} has no {kind} job.")
    return job.id


def _wait(job_ids: list[int], *, quiet: bool) -> None:
    """Follow jobs until none moves any more. Raises UserError if one failed or paused; Ctrl-C cancels them."""
    try:
        with _bars(quiet) as show:
            while True:
                states = _states(job_ids)
                for state in states:
                    show(state)
                if all(state.state.is_final or state.state is JobState.PAUSED for state in states):
                    break
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        for job_id in job_ids:
            _cancel_quietly(job_id)
        raise
    failed = [state for state in states if state.state is not JobState.DONE]
    if failed:
        first = failed[0]
        told = first.error or f"It was {first.state}; pricewright retry {first.job_id} goes on with it."
        raise UserError(f"Job {first.job_id}: {told}" if first.state is JobState.PAUSED else told)
    for state in states:
        if state.error:  # done, and something to say: it brought nothing
            err.print(f"Job {state.job_id}: {state.error}", style="yellow")


def _states(job_ids: list[int]) -> list[Progress]:
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


def _cancel_quietly(job_id: int) -> None:
    try:
        actions.cancel(job_id)
    except UserError:
        return  # it ended meanwhile


@contextmanager
def _bars(quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """One progress bar per job on stderr, so that stdout stays clean for --json and pipes."""
    columns = (PlainColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[int, TaskID] = {}
    with Bar(*columns, console=err, disable=quiet or not err.is_terminal) as bar:

        def show(state: Progress) -> None:
            if state.job_id not in tasks:
                with begin() as session:
                    job = jobs.get(session, state.job_id)
                tasks[state.job_id] = bar.add_task(tables.job_label(job))
            total = state.items_total or None
            bar.update(tasks[state.job_id], total=total, completed=state.items_done)

        yield show


@app.command()
def price(
    what: Annotated[str, typer.Argument(help="A dataset (number or name) or a file to load first.")],
    technique: Annotated[list[str], typer.Option(help="Technique name; repeat it for several.")],
    rows: Annotated[
        str, typer.Option(help="test = measure, unpriced = only rows without a price, both = both.")
    ] = "both",
    limit: Annotated[int | None, typer.Option(min=1, help="Price a sample of this many rows.")] = None,
    settings: Settings = None,
    adapter: Annotated[str, typer.Option(help="For finetuned: its number, or the beginning of it.")] = "",
    to: Annotated[Path | None, typer.Option("--out", help="Write predictions: .csv, .parquet or .xlsx.")] = None,
    cap: Cap = None,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    as_json: AsJson = False,
) -> None:
    """Price a dataset (or a file) with one or more techniques and say how wrong and how dear each was."""
    split = {"test": Split.TEST, "unpriced": Split.UNPRICED, "both": None}.get(rows, rows)
    if isinstance(split, str) and not isinstance(split, Split):
        raise UserError("--rows must be test, unpriced or both.")
    if adapter and "finetuned" not in technique:
        raise UserError("--adapter belongs to --technique finetuned.")
    own = {"finetuned": {"adapter": adapter}} if adapter else {}
    chosen = [specs.parse({"technique": name} | _settings(settings or []) | own.get(name, {})) for name in technique]
    if to is not None and len(chosen) > 1:
        raise UserError("--out holds the predictions of one technique; name only one.")
    if to is not None:
        export.check(to)
    with running_stack():
        dataset, about = _dataset(what, _said(decimal, accept_wide_rows), quiet=as_json)
        job_ids = pricing_actions.start(dataset.id, chosen, split, limit, cap_usd=_dollars(cap))
        warnings = _cautions(job_ids, quiet=as_json)
        _wait(job_ids, quiet=as_json)
        if to is not None:
            with begin() as session:
                export.write(predictions.of_job(session, job_ids[0]), to)
        report = comparison.of_jobs(job_ids)
    if as_json:
        _print_json({"dataset": dataset.id, "jobs": job_ids, "rows": report, "warnings": warnings} | about)
    else:
        out.print(tables.comparison(report))


def _cautions(job_ids: list[int], *, quiet: bool) -> list[str]:
    """What to know before trusting these jobs' prices; said at once, unless `quiet`."""
    said = comparison.cautions(job_ids)
    for sentence in said if not quiet else ():
        err.print(sentence, style="yellow")
    return said


def _dollars(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))


def _settings(pairs: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for pair in pairs:
        field, separator, value = pair.partition("=")
        if not separator:
            raise UserError(f"--set {pair!r} should look like field=value, for example k=5.")
        values[field] = value
    return values


def _dataset(what: str, said: Answers, *, quiet: bool) -> tuple[Dataset, dict[str, Any]]:
    """A dataset by its number or name; or that of a file, loaded unless it is already, with what is to be told."""
    if Path(what).is_file():
        dataset, about = _load(Path(what), {}, None, said, quiet=quiet, reuse=True)
        _refuse_empty(dataset)
        return dataset, {"file": about}
    if said != NOTHING_SAID:
        raise UserError(f"--decimal and --accept-wide-rows belong to a file, and there is no file {what}.")
    with begin() as session:
        return datasets.find(session, what), {}


@app.command()
def curve(
    what: Annotated[str, typer.Argument(help="A dataset (number or name) or a file to load first.")],
    technique: Annotated[str, typer.Option(help="multi-shot or rag.")] = "rag",
    limit: Annotated[int, typer.Option(min=1, help="Price a sample of this many test rows.")] = 100,
    settings: Settings = None,
    cap: Cap = None,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    as_json: AsJson = False,
) -> None:
    """Does more context pay? Price a sample with 0, 1, 3, 5, 10 and 20 examples or neighbours."""
    spec = specs.parse({"technique": technique} | _settings(settings or []))
    with running_stack():
        dataset, about = _dataset(what, _said(decimal, accept_wide_rows), quiet=as_json)
        job_ids = pricing_actions.start_curve(dataset.id, spec, limit, cap_usd=_dollars(cap))
        warnings = _cautions(job_ids, quiet=as_json)
        _wait(job_ids, quiet=as_json)
        report = comparison.curve(job_ids)
    if as_json:
        _print_json({"dataset": dataset.id, "jobs": job_ids, "warnings": warnings} | report | about)
    else:
        out.print(tables.curve(report))


@app.command("jobs")
def list_jobs(as_json: AsJson = False) -> None:
    """List jobs, newest first, with how far they are."""
    with running_stack(worker=False), begin() as session:
        all_jobs = jobs.all(session)
        states = {state.job_id: state for state in job_progress.of(session, [job.id for job in all_jobs])}
    if as_json:
        _print_json([asdict(job) | asdict(states[job.id]) for job in all_jobs])
    else:
        out.print(tables.job_table(all_jobs, states))


def _verb(action: Callable[[int], Any], job_id: int, done: str, *, follow: bool = False) -> None:
    with running_stack(worker=follow):
        action(job_id)
        out.print(f"Job {job_id} {done}.")
        if follow:
            _wait([job_id], quiet=False)


@app.command()
def pause(job_id: int) -> None:
    """Hand out no more work of a job."""
    _verb(actions.pause, job_id, "is paused")


@app.command()
def resume(job_id: int, cap: Cap = None) -> None:
    """Go on with a paused job, with a higher cap if it had reached its own."""
    _verb(partial(actions.resume, cap_usd=_dollars(cap)), job_id, "goes on", follow=True)


@app.command()
def cancel(job_id: int) -> None:
    """Stop a job; what is priced already is kept."""
    _verb(actions.cancel, job_id, f"is cancelled; pricewright retry {job_id} goes on with it")


@app.command()
def retry(job_id: int) -> None:
    """Run again just what failed in a job."""
    _verb(actions.retry, job_id, "runs again", follow=True)


@app.command()
def compare(
    what: Annotated[str, typer.Argument(metavar="DATASET", help="Number or name.")],
    job: Annotated[
        list[int] | None, typer.Option("--job", help="Only this job; say it for each. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare finished jobs of a dataset on the rows that all of them priced."""
    with running_stack(worker=False):
        with begin() as session:
            dataset = datasets.find(session, what)
            every = jobs.all(session, dataset.id, JobKind.PRICE)
            done = comparison.taken(dataset, every, job or ())
            left_out = [] if job else comparison.left_out(every, done)
        report = comparison.of_jobs(done)
        warnings = _cautions(done, quiet=as_json)
        if left_out and not as_json:
            err.print(f"{len(left_out)} steps of context curves are left out; --job takes them.")
    if as_json:
        _print_json({"dataset": dataset.id, "rows": report, "warnings": warnings, "left_out": left_out})
    elif not report:
        out.print(f"Nothing is priced in {dataset.name} yet: pricewright price {dataset.id} --technique constant")
    else:
        out.print(tables.comparison(report))


@app.command()
def demo(
    file: Annotated[Path | None, typer.Argument(help="Another table; default: the synthetic demo catalogue.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Price a sample of this many rows.")] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="Also prompt chains, both packaged models, and greedy text.")
    ] = False,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    as_json: AsJson = False,
) -> None:
    """The main job without a browser: load a table, price it with every technique, print the trade-off table."""
    with running_stack():
        about: dict[str, Any] = {}
        if file:
            if not file.is_file():
                raise NotFound(f"There is no file {file}.")
            dataset, about = _dataset(str(file), _said(decimal, accept_wide_rows), quiet=as_json)
        elif _said(decimal, accept_wide_rows) != NOTHING_SAID:
            raise UserError("--decimal and --accept-wide-rows belong to a file; name one.")
        else:
            dataset = _demo_dataset(quiet=as_json)
        chosen = specs.variants() if variants else specs.defaults()
        job_ids = pricing_actions.start(dataset.id, chosen, Split.TEST, limit)
        warnings = _cautions(job_ids, quiet=as_json)
        _wait(job_ids, quiet=as_json)
        report = comparison.of_jobs(job_ids)
    if as_json:
        _print_json({"dataset": dataset.id, "jobs": job_ids, "rows": report, "warnings": warnings} | about)
        return
    note = " (synthetic)" if dataset.is_synthetic else ""
    out.print(f"{dataset.name}{note}: {dataset.items:,} items, {report[0]['n']:,} test rows priced by each technique.")
    out.print(tables.comparison(report))


def _demo_dataset(*, quiet: bool) -> Dataset:
    with begin() as session:
        existing = [d for d in datasets.all(session) if d.is_synthetic and d.state is DatasetState.READY]
    if existing:
        return existing[0]
    dataset_id = dataset_actions.load_demo()
    _wait([_latest(dataset_id, JobKind.INSPECT)], quiet=quiet)
    with begin() as session:
        mapping = datasets.get(session, dataset_id).mapping
    _wait([dataset_actions.load(dataset_id, mapping)], quiet=quiet)
    with begin() as session:
        return datasets.get(session, dataset_id)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what works on this machine and what is missing; exit code 1 when something needed is."""
    findings = server_doctor.examine()
    if as_json:
        _print_json([asdict(finding) for finding in findings])
    else:
        table = Table(box=None, show_header=False)
        for finding in findings:
            verdict = Text("ok", style="green") if finding.ok else Text("no", style="red")
            table.add_row(verdict, finding.part, finding.detail)
        out.print(table)
    if not all(finding.ok or finding.optional for finding in findings):
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
