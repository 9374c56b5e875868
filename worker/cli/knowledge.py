"""`pricewright knowledge …`: the verbs of the Knowledge page, for a terminal and for scripts (`--json`)."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from db import jobs, results
from db.engine import begin
from db.errors import NotFound, NotReady
from db.knowledge import bases
from db.types import Dataset
from worker import amounts
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName
from worker.datasets.answers import Sign
from worker.knowledge import actions
from worker.server.up import running_stack

app = typer.Typer(
    name="knowledge", no_args_is_help=True, help="Priced items with vectors: what RAG and nearest neighbours search."
)


@app.command()
def build(what: DatasetName, as_json: AsJson = False) -> None:
    """Make the knowledge base of a dataset, or bring it up to date: only what changed is embedded."""
    with running_stack():
        _report(_result(actions.refresh(find.dataset(what).id)), as_json)


@app.command()
def update(
    what: DatasetName,
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
            job_id = actions.update(find.dataset(what).id, file.name, stream, removes=removes, sign=decimal)
        _report(_result(job_id), as_json)


@app.command()
def reference(
    what: DatasetName,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The dataset whose priced items are added.")],
    as_json: AsJson = False,
) -> None:
    """Add the priced items of another dataset, except what matches this one's test side."""
    with running_stack():
        _report(_result(actions.add_reference(find.dataset(what).id, find.dataset(other).id)), as_json)


@app.command()
def remove(what: DatasetName, ids: Annotated[list[str], typer.Argument(help="Ids of items.")]) -> None:
    """Take items out at once and for good."""
    with running_stack(worker=False):
        removed = actions.remove(find.dataset(what).id, ids)
    out.print(f"{removed:,} removed.")


@app.command()
def schedule(
    what: DatasetName,
    minutes: Annotated[float | None, typer.Option(min=1, help="How often; leave it out to stop.")] = None,
) -> None:
    """Refresh the knowledge base by itself from now on, while a worker runs."""
    with running_stack(worker=False):
        actions.schedule(find.dataset(what).id, round(minutes * 60) if minutes else None)
    out.print(f"Refreshed every {minutes:g} minutes." if minutes else "Refreshed only when somebody asks.")


@app.command()
def status(what: DatasetName, as_json: AsJson = False) -> None:
    """How large, how complete and how fresh the knowledge base is."""
    with running_stack(worker=False):
        dataset = find.dataset(what)
        facts = _facts(dataset)
    if as_json:
        print_json({"dataset": dataset.id} | facts)
        return
    table = Table(box=None, show_header=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), "–" if value is None else str(value))
    out.print(table)


@app.command()
def search(
    what: DatasetName,
    text: str,
    k: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 10,
    category: Annotated[str, typer.Option(help="Only this category.")] = "",
    min_similarity: Annotated[float, typer.Option(min=0, max=1)] = 0.0,
    newer_than_days: Annotated[int, typer.Option(min=0, help="0 = any age.")] = 0,
    as_json: AsJson = False,
) -> None:
    """What a technique would be shown for a text."""
    with running_stack():
        job_id = actions.search(
            find.dataset(what).id,
            text,
            k,
            category=category,
            min_similarity=min_similarity,
            newer_than_days=newer_than_days,
        )
        neighbours = _result(job_id)["found"]
    if as_json:
        print_json(neighbours)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("similarity", "price", "days old", "id", "title"):
        table.add_column(name, justify="left" if name in ("id", "title") else "right")
    for each in neighbours:
        table.add_row(
            f"{each['similarity']:.2f}",
            amounts.price(each["price"]),
            f"{each['age_days']:.0f}",
            each["neighbour"],
            each["title"][:100],
        )
    out.print(table)


def _facts(dataset: Dataset) -> dict[str, Any]:
    with begin() as session:
        base = bases.of(session, dataset.id)
        if base is None:
            raise NotReady(f"{dataset.name} has no knowledge base yet: pricewright knowledge build {dataset.id}")
        searchable, items = bases.coverage(session, base)
        return {
            **bases.freshness(session, base.id).as_json(),
            "train_searchable": searchable,
            "train_items": items,
            "sources": bases.sources(session, base.id),
            "bytes": bases.size_bytes(session, base.id),
            "model": base.signature,
            "refreshed_at": base.refreshed_at,
            "refresh_seconds": base.refresh_seconds,
        }


def _result(job_id: int) -> dict[str, Any]:
    """What a job brought, as soon as it is done. Raises UserError when it fails."""
    watch.wait([job_id], quiet=True)
    with begin() as session:
        return (results.get(session, job_id) or {}) | {"job": job_id, "usd": jobs.get(session, job_id).fixed_usd}


def _report(outcome: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(outcome)
        return
    counts = ", ".join(f"{outcome[name]:,} {name}" for name in ("added", "updated", "unchanged", "removed"))
    out.print(f"{counts}; {outcome['to_embed']:,} embedded.")
    for reason, number in outcome["refused"].items():
        out.print(f"{number:,} refused: {reason}.")
