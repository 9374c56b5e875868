"""`pricewright up`, `health`, `doctor`, `backup`, `restore`: all of it, started, looked at, kept and brought back."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from db.settings import settings
from worker import amounts
from worker.cli.console import AsJson, out, print_json, warn
from worker.health.ask import ask
from worker.server import backup as server_backup
from worker.server import doctor as server_doctor
from worker.server.up import supervise

app = typer.Typer()


@app.command()
def up() -> None:
    """Start everything (database, broker, worker, dashboard) and keep it running until Ctrl-C."""
    raise typer.Exit(supervise())


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what works on this machine and what is missing; exit code 1 when something needed is."""
    findings = server_doctor.examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table(box=None, show_header=False)
        for finding in findings:
            verdict = Text("ok", style="green") if finding.ok else Text("no", style="red")
            table.add_row(verdict, finding.part, finding.detail)
        out.print(table)
    if not all(finding.ok or finding.optional for finding in findings):
        raise typer.Exit(1)


@app.command()
def health(
    ready: Annotated[bool, typer.Option("--ready", help="Ask also whether it can work: database, broker, queues.")] = (
        False
    ),
    port: Annotated[int | None, typer.Option(help="Of another process than PRICEWRIGHT_HEALTH_PORT's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether what runs here is alive and gets on; exit code 1 when not. `up` tells of all its processes."""
    answer = ask(settings(), ready=ready, port=port)
    if as_json:
        print_json(answer.model_dump())
    else:
        out.print(answer.sentence())
    if not answer.ok:
        raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="New file, such as pricewright.tar.")], as_json: AsJson = False
) -> None:
    """Write the database and all uploads into one file, while everything goes on."""
    made = server_backup.backup(file)
    if as_json:
        print_json(made.model_dump(mode="json") | {"bytes": file.stat().st_size})
        return
    out.print(
        f"{file} holds the database and {amounts.count(made.uploads, 'upload')}, {amounts.size(file.stat().st_size)}."
    )
    out.print("Keys of endpoints are not in it: they live in the environment alone.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `pricewright backup` wrote.")], as_json: AsJson = False
) -> None:
    """Bring a backup back into an empty PRICEWRIGHT_DATA_DIR. Jobs that were at work are paused."""
    back = server_backup.restore(file)
    if as_json:
        print_json(back.model_dump(mode="json"))
        return
    out.print(
        f"{amounts.count(back.datasets, 'dataset')}, {amounts.count(back.jobs, 'job')} and "
        f"{amounts.count(back.uploads, 'upload')} are back, as of {back.made_at:%Y-%m-%d %H:%M} UTC."
    )
    if back.paused:
        are = "was at work and is" if back.paused == 1 else "were at work and are"
        warn(f"{amounts.count(back.paused, 'job')} {are} paused: where the backup came from, they may have gone on.")
