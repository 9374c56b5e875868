"""`pricewright cross-fit DATASET`: how wrong techniques are on a table that is too small for one split."""

from typing import Annotated

import typer
from rich.table import Table

from db import jobs
from db.engine import begin
from db.errors import UserError
from worker import amounts, specs
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName
from worker.evaluation.measures import DECIDING, USUAL
from worker.refits import actions
from worker.server.up import running_stack

app = typer.Typer()


@app.command("cross-fit")
def cross_fit(
    what: DatasetName,
    technique: Annotated[
        list[str] | None, typer.Option("--technique", help="What learns; say it for each. Default: constant and ridge.")
    ] = None,
    measure: Annotated[str, typer.Option(help=f"What is measured: {', '.join(actions.MEASURES)}.")] = USUAL,
    as_json: AsJson = False,
) -> None:
    """Price every row of a small table by fits that have not seen it, several times; under 200 rows with a price."""
    if measure not in actions.MEASURES:
        raise UserError(f"--measure must be one of {', '.join(actions.MEASURES)}.")
    chosen = [specs.parse({"technique": name}) for name in technique or ("constant", "ridge")]
    with running_stack():
        dataset = find.dataset(what)
        job_ids = actions.cross_fit_with(dataset.id, chosen)
        watch.wait(job_ids, quiet=as_json)
        with begin() as session:
            report = actions.cross_fitted([jobs.get(session, job_id) for job_id in job_ids], measure)
    if as_json:
        print_json({"dataset": dataset.id, "jobs": job_ids, "rows": report.rows, "sentences": report.sentences})
        return
    out.print(_table(report, measure))
    for sentence in report.sentences:
        out.print(sentence)


def _table(report: actions.Report, measure: str) -> Table:
    used, table = DECIDING[measure], Table(box=None, pad_edge=False)
    for name in ("technique", "rows", used.terminal, amounts.level(report.level), "other folds", "worse by", "verdict"):
        table.add_column(name, justify="left" if name == "technique" else "right", no_wrap=True)
    for line in report.rows:
        reach = f"{used.cell(line['low'])}–{used.cell(line['high'])}"
        apart = amounts.NOTHING
        if line["diff_low"] is not None:
            apart = f"{line['diff']:+.1f} ({line['diff_low']:+.1f} to {line['diff_high']:+.1f})"
        folds = amounts.NOTHING if line["between"] is None else f"± {used.cell(line['between'])}"
        table.add_row(
            line["technique"], f"{line['n']:,}", used.cell(line["figure"]), reach, folds, apart, line["verdict"]
        )
    table.caption = "worse by: all pairs are held at once; other folds = what drawing them anew changes"
    return table
