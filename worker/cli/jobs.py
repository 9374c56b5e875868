"""`pricewright jobs`, `pause`, `resume`, `cancel`, `retry`: the verbs of the Jobs page."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer

from db import job_progress, jobs
from db.engine import begin
from worker.cli import tables, watch
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import Cap, dollars
from worker.jobs import actions
from worker.server.up import running_stack

app = typer.Typer()


@app.command("jobs")
def list_(
    archived: Annotated[bool, typer.Option("--archived", help="Those that are archived, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first, with how far they are."""
    with running_stack(worker=False), begin() as session:
        all_jobs = [job for job in jobs.all(session) if archived or job.archived_at is None]
        states = {state.job_id: state for state in job_progress.of(session, [job.id for job in all_jobs])}
    if as_json:
        print_json([asdict(job) | asdict(states[job.id]) for job in all_jobs])
    else:
        out.print(tables.job_table(all_jobs, states))


@app.command()
def pause(job_id: int) -> None:
    """Hand out no more work of a job."""
    _act(actions.pause, job_id, "is paused")


@app.command()
def resume(job_id: int, cap: Cap = None) -> None:
    """Go on with a paused job, with a higher cap if it had reached its own."""
    _act(partial(actions.resume, cap_usd=dollars(cap)), job_id, "goes on", follow=True)


@app.command()
def cancel(job_id: int) -> None:
    """Stop a job; what is priced already is kept."""
    _act(actions.cancel, job_id, f"is cancelled; pricewright retry {job_id} goes on with it")


@app.command()
def retry(job_id: int) -> None:
    """Run again just what failed in a job."""
    _act(actions.retry, job_id, "runs again", follow=True)


def _act(action: Callable[[int], Any], job_id: int, outcome: str, *, follow: bool = False) -> None:
    with running_stack(worker=follow):
        action(job_id)
        out.print(f"Job {job_id} {outcome}.")
        if follow:
            watch.wait([job_id], quiet=False)
