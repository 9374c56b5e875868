"""`pricewright up` and `doctor`: starting everything, and what works on this machine."""

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from worker.cli.console import AsJson, out, print_json
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
