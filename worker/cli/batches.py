"""`pricewright watch`, `batches` and `truth`: files that a pricer prices again and again, and their real prices."""

import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from db.engine import DatabaseAway
from db.errors import NotFound, UserError
from db.settings import settings
from db.types import PricerBatch
from worker import amounts
from worker.batches import actions, months
from worker.batches import truth as truths
from worker.batches.watch import Watch
from worker.cli import watch as jobs_watch
from worker.cli.console import AsJson, out, print_json, warn
from worker.cli.options import (
    DecimalSign,
    Delimiter,
    Encoding,
    HeaderLine,
    LowerEnds,
    SheetName,
    WideRows,
    answers,
    assignments,
    reading,
)
from worker.server.up import running_stack

app = typer.Typer()

_WITH = typer.Option("--with", help="Name of the pricer; the version in use prices.")


@app.command()
def watch(
    inbox: Annotated[Path, typer.Argument(metavar="IN", help="The folder that files are put into.")],
    name: Annotated[str, _WITH],
    target: Annotated[Path, typer.Option("--out", help="The folder of priced files; bad ones go to aside in it.")],
    once: Annotated[bool, typer.Option("--once", help="End when every file that is there was dealt with.")] = False,
    as_json: AsJson = False,
) -> None:
    """Price each new file of a folder with a pricer: once, by its content, and written whole or not at all."""
    met: dict[int, PricerBatch] = {}
    said: list[dict[str, Any]] = []

    def tell(sentence: str, batch: PricerBatch | None) -> None:
        if batch:
            met[batch.id] = batch
        if not as_json:
            (out.print if batch is None or not batch.error else warn)(sentence)
        elif once:
            said.append(_told(sentence, batch))
        else:
            print_json(_told(sentence, batch))
            sys.stdout.flush()

    # With a broker of one's own the workers are one's own, too: they are only asked.
    with running_stack(worker=settings().is_embedded_broker) as tend:
        folder = Watch(name, inbox, target, tell)
        folder.check()
        with folder.alone():
            if not as_json:
                out.print(f"Watching {folder.inbox} for {name}; priced files go to {folder.out}. Ctrl-C ends it.")
            _watch(folder, tend, once=once)
    if as_json and once:
        print_json({"batches": [_line(each) for each in met.values()], "told": said})


def _watch(folder: Watch, tend: Callable[[], None], *, once: bool) -> None:
    """Turn by turn, until Ctrl-C, or `once` nothing is left to do. A database that restarts is waited for."""
    away_since = None
    while True:
        with redirect_stdout(sys.stderr):
            tend()
        try:
            busy = folder.turn()
            away_since = None
        except DatabaseAway:
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > jobs_watch.PATIENCE_SECONDS:
                raise
            busy = True
        if once and not busy:
            return
        try:
            time.sleep(min(settings().watch_seconds, jobs_watch.POLL_SECONDS) if busy else settings().watch_seconds)
        except KeyboardInterrupt:
            return


@app.command("batches")
def list_(
    name: Annotated[str, typer.Option("--of", help="Only those of the pricer of this name.")] = "",
    as_json: AsJson = False,
) -> None:
    """List what pricers priced, by month: rows, cost, what is for a person, drift, and promised against real error."""
    with running_stack(worker=False):
        actions.settle()
        every = actions.every(name or None)
        by_month = months.of(every)
    if as_json:
        print_json({"months": [asdict(each) for each in by_month], "batches": [_line(each) for each in every]})
        return
    if not every:
        out.print("No file was priced by a pricer yet: pricewright price FILE --with NAME, or pricewright watch.")
        return
    out.print(_months(by_month))
    out.print(_batches(every))
    for batch in every:
        came = truths.parse(batch.truth)
        for sentence in truths.alarms(came) if came else ():
            warn(f"Batch {batch.id}, {batch.file_name}: {sentence}")
    if alone := truths.alone(every):
        out.print(alone)


@app.command()
def truth(
    batch_id: Annotated[int, typer.Argument(metavar="BATCH", help="Its number, as `pricewright batches` has it.")],
    file: Annotated[Path, typer.Argument(help="A file with the same ids and real prices.")],
    columns: Annotated[
        list[str] | None, typer.Option("--map", help="id=COLUMN or price=COLUMN, where names do not tell it.")
    ] = None,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    lower_ends: LowerEnds = False,
    header_line: HeaderLine = None,
    sheet: SheetName = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    as_json: AsJson = False,
) -> None:
    """Set a batch beside its real prices: promised against real error, what intervals held, and what to do."""
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    chosen = dict(assignments("--map", columns, "field=column", "price=Sold for"))
    if unknown := set(chosen) - {"id", "title", "description", "category", "brand", "price"}:
        raise UserError(f"There is no field {min(unknown)!r} here; say id=COLUMN or price=COLUMN.")
    forced = reading(header_line, sheet, encoding, delimiter)
    with running_stack():
        with file.open("rb") as stream:
            said = answers(decimal, accept_wide_rows, lower_ends=lower_ends)
            job_id = actions.attach_truth(batch_id, file.name, stream, chosen, said, forced)
        jobs_watch.wait([job_id], quiet=as_json)
        batch = actions.get(batch_id)
        came = truths.parse(batch.truth)
        assert came is not None  # the job is done
        alarms = truths.alarms(came)
        ways = actions.remedies(batch) if alarms else {}
    if as_json:
        print_json(
            came.model_dump(mode="json")
            | {"batch": batch_id, "sentences": truths.sentences(came), "alarms": alarms}
            | {"remedies": {way: asdict(remedy) for way, remedy in ways.items()}}
        )
        return
    for sentence in truths.sentences(came):
        out.print(sentence, soft_wrap=True)
    for sentence in alarms:
        warn(sentence)
    for remedy in ways.values():
        out.print(f"What to do: {remedy.sentence()}", soft_wrap=True)


def _months(by_month: list[months.Month]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("month", "batches", "rows", "$", "for a person", "drift", "promised", "real", "aside"):
        table.add_column(head, justify="left" if head == "month" else "right")
    for each in by_month:
        table.add_row(
            f"{each.first:%Y-%m}",
            f"{each.batches:,}",
            f"{each.rows:,}",
            amounts.NOTHING if each.usd is None else amounts.usd(each.usd),
            _share(each.flagged),
            _share(each.drift),
            each.promised or amounts.NOTHING,
            each.real or amounts.NOTHING,
            f"{each.aside:,}",
        )
    return table


def _batches(every: list[PricerBatch]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("batch", "file", "pricer", "day", "state", "rows", "for a person", "job", "where, or why not"):
        table.add_column(head, justify="right" if head in ("batch", "rows", "for a person", "job") else "left")
    for each in every:
        table.add_row(
            str(each.id),
            each.file_name,
            each.pricer_name,
            f"{each.created_at:%Y-%m-%d}",
            each.state,
            f"{each.rows:,}",
            f"{each.flagged:,}",
            str(each.job_id or amounts.NOTHING),
            each.error or each.target or "downloaded",
        )
    return table


def _share(value: float | None) -> str:
    return amounts.NOTHING if value is None else f"{value:.0%}"


def _told(sentence: str, batch: PricerBatch | None) -> dict[str, Any]:
    return {"batch": batch.id if batch else None, "state": batch.state if batch else None, "said": sentence}


def _line(batch: PricerBatch) -> dict[str, Any]:
    return asdict(batch)
