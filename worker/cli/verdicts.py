"""`pricewright check-verdicts DATASET`: how far a comparison's own verdicts can be trusted."""

from typing import Annotated

import typer

from db import jobs
from db.engine import begin
from db.errors import UserError
from db.types import JobKind
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName, Unweighted
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import comparison
from worker.server.up import running_stack
from worker.verdicts import actions

app = typer.Typer()


@app.command("check-verdicts")
def check_verdicts(
    what: DatasetName,
    job: Annotated[
        list[int] | None, typer.Option("--job", help="Only this job; say it for each. Default: all that are compared.")
    ] = None,
    measure: Annotated[str, typer.Option(help=f"What decides: {', '.join(DECIDING)}.")] = USUAL,
    rounds: Annotated[int, typer.Option(min=50, max=10_000, help="Simulated comparisons of each sort.")] = (
        actions.ROUNDS
    ),
    unweighted: Unweighted = False,
    as_json: AsJson = False,
) -> None:
    """Simulate comparisons with the jobs' own errors: how often would one name a false loser, and find a true one?"""
    if measure not in DECIDING:
        raise UserError(f"--measure must be one of {', '.join(DECIDING)}.")
    with running_stack():
        dataset = find.dataset(what)
        with begin() as session:
            compared = comparison.taken(dataset, jobs.all(session, dataset.id, JobKind.PRICE), job or ())
        job_id = actions.start(dataset.id, compared, measure, rounds, weighted=not unweighted)
        watch.wait([job_id], quiet=as_json)
        report = actions.report(job_id)
    assert report is not None  # the job is done
    said = actions.sentences(report, comparison.level())
    if as_json:
        print_json({"dataset": dataset.id, "job": job_id, "measure": measure, "sentences": said} | report.as_json())
    else:
        for sentence in said:
            out.print(sentence)
