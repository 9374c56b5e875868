"""`pricewright advise DATASET`: prompting, RAG, fine-tuning or none, as measured here, and what to try next."""

import typer
from rich.table import Table

from db.engine import begin
from worker.advisor import actions
from worker.advisor.advice import COLUMNS, Advice, Fact
from worker.cli import find
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName
from worker.server.up import running_stack

app = typer.Typer()


@app.command()
def advise(what: DatasetName, as_json: AsJson = False) -> None:
    """Prompting, RAG, fine-tuning or no language model: what your own runs say of each, and what to try next."""
    with running_stack(worker=False):
        dataset = find.dataset(what)
        with begin() as session:
            advised = actions.advice(session, dataset.id)
    if as_json:
        print_json(actions.report(advised))
    else:
        _print(advised)


def _print(advised: Advice) -> None:
    if advised.verdict:
        out.print(advised.verdict)
        out.print()
    for way in advised.ways:
        out.print(f"{way.name}: {way.about}", style="bold")
        table = Table(box=None, pad_edge=False, show_header=False)
        for _ in range(4):
            table.add_column()
        for column, head in COLUMNS.items():
            for place, fact in enumerate(way.cell(column)):
                table.add_row("" if place else head, f"{fact.claim}.", fact.text, _source(fact))
        out.print(table)
        out.print()
    if advised.you:
        out.print(f"{advised.you.claim}: {advised.you.text} ({advised.you.link.label})")
    out.print("What to try next:", style="bold")
    for place, step in enumerate(advised.steps, 1):
        out.print(f"{place}. {step.sentence} {step.ground}")
        if step.link.command:
            out.print(f"   {step.link.command}", soft_wrap=True)
    if not advised.steps:
        out.print("Everything that is usually tried was run.")
    for note in advised.notes:
        out.print(note)


def _source(fact: Fact) -> str:
    """The run of a figure, or the command that would measure it."""
    return fact.link.label if fact.is_measured else fact.link.command or fact.link.label
