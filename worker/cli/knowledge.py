"""`pricewright knowledge …`: the verbs of the Knowledge page, for a terminal and for scripts (`--json`)."""

import contextlib
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from db import datasets, jobs, results
from db.engine import begin
from db.errors import NotFound, NotReady, UserError
from db.knowledge import bases
from db.types import Dataset, Job, JobState
from worker import amounts
from worker.cli.console import out
from worker.datasets.answers import Sign
from worker.jobs import actions
from worker.knowledge import actions as knowledge_actions
from worker.server.up import running_stack

app = typer.Typer(no_args_is_help=True, help="Priced items with vectors: what RAG and nearest neighbours search.")

What = Annotated[str, typer.Argument(metavar="DATASET", help="Number or name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON and nothing else.")]
_POLL_SECONDS = 0.2


@app.command()
def build(what: What, as_json: AsJson = False) -> None:
    """Make the knowledge base of a dataset, or bring it up to date: only what changed is embedded."""
    with running_stack():
        _report(_done(knowledge_actions.refresh(_dataset(what).id)), as_json)


@app.command()
def update(
    what: What,
    file: Annotated[Path, typer.Argument(help="A table with a column of ids; what it leaves out stays as it is.")],
    removes: Annotated[bool, typer.Option("--remove", help="Remove the items with these ids.")] = False,
    decimal: Annotated[
        Sign | None, typer.Option(help="Decimal sign of prices that are text: 1.234 is 1 or 1234.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add, change and remove items by a file: a true value in a column called delete removes."""
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    with running_stack():
        with file.open("rb") as stream:
            job_id = knowledge_actions.update(_dataset(what).id, file.name, stream, removes=removes, sign=decimal)
        _report(_done(job_id), as_json)


@app.command()
def reference(
    what: What,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The dataset whose priced items are added.")],
    as_json: AsJson = False,
) -> None:
    """Add the priced items of another dataset, except what matches this one's test side."""
    with running_stack():
        _report(_done(knowledge_actions.add_reference(_dataset(what).id, _dataset(other).id)), as_json)


@app.command()
def remove(what: What, ids: Annotated[list[str], typer.Argument(help="Ids of items.")]) -> None:
    """Take items out at once and for good."""
    with running_stack(worker=False):
        removed = knowledge_actions.remove(_dataset(what).id, ids)
    out.print(f"{removed:,} removed.")


@app.command()
def schedule(
    what: What,
    minutes: Annotated[float | None, typer.Option(min=1, help="How often; leave it out to stop.")] = None,
) -> None:
    """Refresh the knowledge base by itself from now on, while a worker runs."""
    with running_stack(worker=False):
        knowledge_actions.schedule(_dataset(what).id, round(minutes * 60) if minutes else None)
    out.print(f"Refreshed every {minutes:g} minutes." if minutes else "Refreshed only when somebody asks.")


@app.command()
def status(what: What, as_json: AsJson = False) -> None:
    """How large, how complete and how fresh the knowledge base is."""
    with running_stack(worker=False), begin() as session:
        dataset = datasets.find(session, what)
        base = bases.of(session, dataset.id)
        if base is None:
            raise NotReady(f"{dataset.name} has no knowledge base yet: pricewright knowledge build {dataset.id}")
        found, there = bases.coverage(session, base)
        facts: dict[str, Any] = {
            **bases.freshness(session, base.id).as_json(),
            "train_searchable": found,
            "train_items": there,
            "sources": bases.sources(session, base.id),
            "bytes": bases.size_bytes(session, base.id),
            "model": base.signature,
            "refreshed_at": base.refreshed_at,
            "refresh_seconds": base.refresh_seconds,
        }
    if as_json:
        _print_json({"dataset": dataset.id} | facts)
        return
    table = Table(box=None, show_header=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), "–" if value is None else str(value))
    out.print(table)


@app.command()
def search(
    what: What,
    text: str,
    k: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 10,
    category: Annotated[str, typer.Option(help="Only this category.")] = "",
    min_similarity: Annotated[float, typer.Option(min=0, max=1)] = 0.0,
    newer_than_days: Annotated[int, typer.Option(min=0, help="0 = any age.")] = 0,
    as_json: AsJson = False,
) -> None:
    """What a technique would be shown for a text."""
    with running_stack():
        job_id = knowledge_actions.search(
            _dataset(what).id,
            text,
            k,
            category=category,
            min_similarity=min_similarity,
            newer_than_days=newer_than_days,
        )
        found = _done(job_id)["found"]
    if as_json:
        _print_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("similarity", "price", "days old", "id", "title"):
        table.add_column(name, justify="left" if name in ("id", "title") else "right")
    for each in found:
        table.add_row(
            f"{each['similarity']:.2f}",
            amounts.usd(each["price"]),
            f"{each['age_days']:.0f}",
            each["neighbour"],
            each["title"][:100],
        )
    out.print(table)


def _dataset(what: str) -> Dataset:
    with begin() as session:
        return datasets.find(session, what)


def _done(job_id: int) -> dict[str, Any]:
    """Wait for a job; its result. Raises UserError when it fails."""
    try:
        while not (job := _job(job_id)).state.is_final:
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        with contextlib.suppress(UserError):  # it ended meanwhile
            actions.cancel(job_id)
        raise
    if job.state is not JobState.DONE:
        raise UserError(job.error or f"Job {job_id} was {job.state}.")
    with begin() as session:
        return (results.get(session, job_id) or {}) | {"job": job_id, "usd": job.fixed_usd}


def _job(job_id: int) -> Job:
    with begin() as session:
        return jobs.get(session, job_id)


def _report(outcome: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _print_json(outcome)
        return
    counts = ", ".join(f"{outcome[name]:,} {name}" for name in ("added", "updated", "unchanged", "removed"))
    out.print(f"{counts}; {outcome['to_embed']:,} embedded.")
    for reason, number in outcome["refused"].items():
        out.print(f"{number:,} refused: {reason}.")


def _print_json(value: Any) -> None:
    print(json.dumps(value, default=str, ensure_ascii=False))
