"""`pricewright storage`: what takes space, and freeing it."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from worker import amounts
from worker.cli.console import AsJson, out, print_json
from worker.server.up import running_stack
from worker.storage import actions
from worker.storage.actions import Freeable

app = typer.Typer()
_HELP = "Free what of a kind is old and needed by nothing: " + ", ".join(Freeable) + "; may be given several times."


@app.command()
def storage(
    free: Annotated[list[Freeable] | None, typer.Option(help=_HELP)] = None,
    older_than: Annotated[int, typer.Option(min=0, help="Days; snapshots and scratch go whatever their age.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Say what takes space, the largest first; with --free, free it before."""
    with running_stack(worker=False):
        freed = [actions.free(kind, older_than) for kind in free or []]
        spaces, largest = actions.usage(), actions.largest()
    if as_json:
        print_json(
            {
                "freed": [asdict(each) for each in freed],
                "space": [asdict(space) for space in spaces],
                "datasets": [asdict(each) | {"file_bytes": size} for each, size in largest],
            }
        )
        return
    for each in freed:
        out.print(f"{each.kind}: {each.count} gone, {amounts.size(each.bytes)} of files.")
    table = Table("What", "Takes", "Free with", box=None)
    for space in spaces:
        option = f"--free {space.free}" if space.free else ""
        table.add_row(actions.LABELS[space.kind], amounts.size(space.bytes), option)
    out.print(table)
    table = Table("Dataset", "", "Rows", "Predictions", "File", box=None)
    for dataset, size in largest:
        name = f"{dataset.name} (archived)" if dataset.is_archived else dataset.name
        table.add_row(str(dataset.id), name, f"{dataset.items:,}", f"{dataset.predictions:,}", amounts.size(size))
    out.print(table)
