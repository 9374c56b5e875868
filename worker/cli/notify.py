"""`pricewright notify`: what people were told, and a test whether it arrives."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from worker.cli.console import AsJson, out, print_json, warn
from worker.notifications import actions
from worker.server.up import running_stack

app = typer.Typer()


@app.command()
def notify(
    test: Annotated[bool, typer.Option("--test", help="Tell all channels now that this is a test.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what people were told of, newest first; with --test, see whether they can be told."""
    if test:
        tested = actions.send_test()
        if as_json:
            print_json(asdict(tested))
        else:
            for way in tested.told:
                out.print(f"Told: {way}.")
            for sentence in tested.wrong:
                warn(sentence)
        if tested.wrong:
            raise typer.Exit(1)
        return
    with running_stack(worker=False):
        found = actions.latest()
    if as_json:
        print_json(found)
        return
    table = Table("At (UTC)", "What", "", "Told", "", box=None)
    for event in found:
        told = ", ".join(event["taken_by"]) or ("waits" if event["closed_at"] is None else "nobody")
        table.add_row(f"{event['at']:%Y-%m-%d %H:%M}", event["kind"], event["sentence"], told, event["error"] or "")
    out.print(table)
