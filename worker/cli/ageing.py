"""`pricewright ageing DATASET`: how errors change with the date of what is priced."""

from typing import Annotated

import typer
from rich.table import Table

from db import jobs
from db.engine import begin
from db.errors import NotReady, UserError
from db.types import JobKind
from worker import amounts, specs
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName, Unweighted
from worker.evaluation.ageing import span
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import ageing, comparison
from worker.refits import actions as refits
from worker.server.up import running_stack

app = typer.Typer()


@app.command("ageing")
def ageing_(
    what: DatasetName,
    job: Annotated[
        list[int] | None, typer.Option("--job", help="Only this job; say it for each. Default: all that are compared.")
    ] = None,
    measure: Annotated[str, typer.Option(help=f"What is measured: {', '.join(DECIDING)}.")] = USUAL,
    technique: Annotated[
        list[str] | None, typer.Option("--technique", help="With --origins: what learns; say it for each.")
    ] = None,
    origins: Annotated[
        int,
        typer.Option(
            min=0,
            max=refits.MOST_ORIGINS,
            help="Rolling origins: learn before each of so many days, price what follows.",
        ),
    ] = 0,
    unweighted: Unweighted = False,
    as_json: AsJson = False,
) -> None:
    """Errors by period of the test rows, and what a month later costs; needs a column mapped as date."""
    if bool(technique) != bool(origins):
        raise UserError("--technique and --origins belong together: --technique ridge --origins 4.")
    if technique:
        _origins(what, technique, origins, measure, as_json=as_json)
        return
    if measure not in DECIDING:
        raise UserError(f"--measure must be one of {', '.join(DECIDING)}.")
    with running_stack(worker=False):
        dataset = find.dataset(what)
        if not ageing.column(dataset):
            raise NotReady(f"{dataset.name} has no column of dates; load its file with --map date=COLUMN.")
        with begin() as session:
            compared = comparison.taken(dataset, jobs.all(session, dataset.id, JobKind.PRICE), job or ())
        if not compared:
            raise NotReady(f"No job has priced test rows of {dataset.name} yet: pricewright price {dataset.id}.")
        told = ageing.of_jobs(compared, measure, weighted=not unweighted)
    if as_json:
        trends = [] if told.found is None else told.found.trends.to_dicts()
        print_json(
            {
                "dataset": dataset.id,
                "measure": measure,
                "rows": ageing.rows(told),
                "trends": trends,
                "sentences": told.sentences,
            }
        )
        return
    if told.found is not None:
        out.print(_table(told, measure))
    for sentence in told.sentences:
        out.print(sentence)


def _origins(what: str, technique: list[str], count: int, measure: str, *, as_json: bool) -> None:
    chosen = [specs.parse({"technique": name}) for name in technique]
    with running_stack():
        dataset = find.dataset(what)
        job_ids = refits.from_origins(dataset.id, chosen, count)
        watch.wait(job_ids, quiet=as_json)
        with begin() as session:
            report = refits.by_origin([jobs.get(session, job_id) for job_id in job_ids], measure)
    if as_json:
        rows = [line | {day: str(line[day]) for day in ("first", "last")} for line in report.rows]
        print_json({"dataset": dataset.id, "jobs": job_ids, "rows": rows, "sentences": report.sentences})
        return
    used, table = DECIDING[measure], Table(box=None, pad_edge=False)
    for name in ("technique", "priced, dated", "learned from", "rows", used.terminal, amounts.level(report.level)):
        table.add_column(name, justify="left" if name in ("technique", "priced, dated") else "right", no_wrap=True)
    for line in report.rows:
        reach = amounts.NOTHING if line["low"] is None else f"{used.cell(line['low'])}–{used.cell(line['high'])}"
        figures = (f"{line['learned']:,}", f"{line['n']:,}", used.cell(line["figure"]), reach)
        table.add_row(line["technique"], span(line["first"], line["last"]), *figures)
    out.print(table)
    for sentence in report.sentences:
        out.print(sentence)


def _table(told: ageing.Told, measure: str) -> Table:
    assert told.found is not None
    used = DECIDING[measure]
    table = Table(box=None, pad_edge=False)
    for name in ("technique", "test rows dated", "rows", used.terminal, amounts.level(told.found.level)):
        table.add_column(name, justify="left" if name in ("technique", "test rows dated") else "right", no_wrap=True)
    for line in told.found.periods.iter_rows(named=True):
        reach = amounts.NOTHING if line["low"] is None else f"{used.cell(line['low'])}–{used.cell(line['high'])}"
        days = span(line["first"], line["last"])
        table.add_row(told.names[line["job_id"]], days, f"{line['n']:,}", used.cell(line["figure"]), reach)
    return table
