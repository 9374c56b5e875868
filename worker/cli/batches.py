"""`pricewright watch`, `batches` and `truth`: files that a pricer prices again and again, and their real prices."""

import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from db.engine import DatabaseAway
from db.settings import settings
from db.types import PricerBatch
from worker.batches.watch import Watch
from worker.cli import watch as jobs_watch
from worker.cli.console import AsJson, out, print_json, warn
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


def _told(sentence: str, batch: PricerBatch | None) -> dict[str, Any]:
    return {"batch": batch.id if batch else None, "state": batch.state if batch else None, "said": sentence}


def _line(batch: PricerBatch) -> dict[str, Any]:
    return asdict(batch)
