"""`pricewright chaos`: faults on a stack that is made for it, as a table."""

from typing import Annotated

import typer
from rich.table import Table

from worker.chaos import run as chaos_run
from worker.cli.console import AsJson, err, out, print_json

app = typer.Typer()


@app.command()
def chaos(
    seed: Annotated[int, typer.Option(help="Decides which faults strike, in which order, and whom.")] = 1,
    faults: Annotated[int, typer.Option(min=1, help="How many faults strike, one after the other.")] = 100,
    only: Annotated[str, typer.Option(help="Only faults whose names have this in them, such as SIGSTOP.")] = "",
    short: Annotated[bool, typer.Option("--short", help="A few chosen faults on little work, in a minute.")] = False,
    as_json: AsJson = False,
) -> None:
    """Break a stack of its own again and again while it works, and say what was lost. For a new PRICEWRIGHT_DATA_DIR.

    Exits 1 where anything was lost, doubled, stuck, paid twice or paid past a cap."""
    report = chaos_run.run(seed, faults, err.print, only=only, short=short)
    if as_json:
        print_json(report.as_json())
    else:
        names = ("fault", "count", "lost", "doubled", "stuck", "paid_twice", "past_cap", "median_recovery",
                 "worst_recovery")  # fmt: skip
        shown = Table(*(name.replace("_", " ") for name in names), box=None)
        for line in report.table():
            shown.add_row(*(f"{line[name]:.1f} s" if "recovery" in name else str(line[name]) for name in names))
        out.print(shown)
        rows = sum(verdict.rows for verdict in report.verdicts)
        out.print(f"{len(report.verdicts)} jobs with {rows:,} rows ended meanwhile.")
    if not report.is_good:
        raise typer.Exit(1)
