"""`pricewright report DATASET`: a comparison as files to pass on."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from db import jobs
from db.engine import begin
from db.errors import UserError
from db.types import JobKind
from worker.cli import find
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName, Unweighted
from worker.evaluation.choice import Limits
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import comparison
from worker.server.up import ROOT, running_stack

app = typer.Typer()

_COMMAND = (sys.executable, "-m", "dashboard.parts.report")
"""How a report looks is the dashboard's, the room above this one: it runs beside us, as the pages do."""


@app.command()
def report(
    what: DatasetName,
    to: Annotated[
        list[Path] | None, typer.Option("--out", help="File that ends in .html or .xlsx; say it for each.")
    ] = None,
    charts: Annotated[Path | None, typer.Option(help="Folder for each chart as SVG and PNG.")] = None,
    measure: Annotated[str, typer.Option(help=f"What decides: {', '.join(DECIDING)}.")] = USUAL,
    error: Annotated[float | None, typer.Option("--error-below", min=0, help="A limit, as choose takes it.")] = None,
    usd: Annotated[float | None, typer.Option("--usd-below", min=0, help="A limit, as choose takes it.")] = None,
    ms: Annotated[float | None, typer.Option("--ms-below", min=0, help="A limit, as choose takes it.")] = None,
    job: Annotated[
        list[int] | None, typer.Option("--job", help="Only this job; say it for each. Default: all that are compared.")
    ] = None,
    unweighted: Unweighted = False,
    as_json: AsJson = False,
) -> None:
    """Write a comparison with its verdict, tables and charts into one web page or workbook to pass on."""
    if measure not in DECIDING:
        raise UserError(f"--measure must be one of {', '.join(DECIDING)}.")
    if not to and charts is None:
        raise UserError("Say where to: --out FILE.html, --out FILE.xlsx or --charts FOLDER.")
    with running_stack(worker=False):
        dataset = find.dataset(what)
        with begin() as session:
            compared = comparison.taken(dataset, jobs.all(session, dataset.id, JobKind.PRICE), job or ())
        written = _written(
            {
                "jobs": compared,
                "measure": measure,
                "limits": asdict(Limits(error, usd, ms)),
                "files": [str(file.absolute()) for file in to or ()],
                "charts": None if charts is None else str(charts.absolute()),
                "weighted": not unweighted,
            }
        )
    if as_json:
        print_json({"dataset": dataset.id, "jobs": compared, "measure": measure, "files": written})
        return
    for file in written:
        out.print(f"Wrote {file}")


def _written(asked: dict[str, Any]) -> list[str]:
    """The paths that the report wrote. Raises UserError for what a person can put right."""
    made = subprocess.run(_COMMAND, input=json.dumps(asked), capture_output=True, text=True, cwd=ROOT, check=False)
    if made.returncode == 1 and "Traceback" not in made.stderr:
        raise UserError(made.stderr.strip())
    made.check_returncode()
    return [str(path) for path in json.loads(made.stdout)]
