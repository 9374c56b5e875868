"""`pricewright leakage DATASET`: the verb of the page Leaks, for a terminal and scripts."""

from typing import Annotated

import typer
from rich.table import Table

from db import jobs
from db.engine import begin
from db.job_results import LeakageResult
from db.types import JobKind
from worker.cli import find, tables, watch
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName, Unweighted
from worker.evaluation import compare, leakage_words
from worker.evaluation.measures import DECIDING, MEASURES, USUAL
from worker.leakage import actions
from worker.pricing import comparison
from worker.server.up import running_stack

app = typer.Typer()


@app.command()
def leakage(
    what: DatasetName,
    pairs: Annotated[int, typer.Option(min=0, help="Pairs shown of each kind.")] = 3,
    unweighted: Unweighted = False,
    as_json: AsJson = False,
) -> None:
    """Could a technique have seen test rows? Copies, reworded ones, told prices; every error with and without them."""
    with running_stack():
        dataset = find.dataset(what)
        job_id = actions.search(dataset.id)
        watch.wait([job_id], quiet=as_json)
        result = actions.found(job_id)
        assert result is not None  # the job is done
        with begin() as session:
            every = jobs.all(session, dataset.id, JobKind.PRICE)
        taken = comparison.taken(dataset, every)
        measured = actions.figures(taken, result.rows, weighted=not unweighted) if taken else None
    figures, column = (measured.table.to_dicts(), measured.weighted_by) if measured else ([], "")
    names = {job.id: tables.job_label(job) for job in every}
    names = compare.with_runs(measured.table, names) if measured else names
    said = leakage_words.change(figures, names, DECIDING[USUAL], column) if result.rows else ""
    if as_json:
        about = {"job": job_id, "dataset": dataset.id, "suspects": result.rows, "figures": figures, "sentence": said}
        about |= {"weighted_by": column}
        print_json(about | result.model_dump(mode="json"))
        return
    out.print(leakage_words.summary(result))
    out.print(_kinds(result))
    for kind in result.kinds:
        for pair in [pair for pair in result.pairs if pair.kind == kind.kind][:pairs]:
            other = f"{pair.known} {pair.known_title}" if pair.known else pair.where
            out.print(f"  {leakage_words.LABELS[kind.kind][0]} {pair.score:.2f}: row {pair.row} {pair.title} | {other}")
    if result.train_told:
        out.print(f"The text of {result.train_told:,} train rows tells their price: techniques learn to read it there.")
    for sentence in result.notes:
        out.print(sentence)
    if result.not_compared:
        out.print(f"Nothing was compared by meaning. {result.not_compared}")
    if figures and result.rows:
        out.print(_figures(figures, names))
        out.print(said + comparison.all_weighed(column))


def _kinds(result: LeakageResult) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("kind", "rows", "compared", "by accident", "similarity from", "finds"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind in result.kinds:
        table.add_row(
            leakage_words.LABELS[kind.kind][0],
            f"{len(kind.rows):,}",
            f"{kind.compared:,}",
            leakage_words.accidents(kind),
            "–" if kind.threshold is None else f"{kind.threshold:.2f}",
            leakage_words.sensitivity(kind),
        )
    return table


def _figures(figures: list[dict[str, float]], names: dict[int, str]) -> Table:
    table = Table(box=None, pad_edge=False, caption="each figure with all rows, and without the suspects")
    table.add_column("technique")
    for measure in MEASURES.values():
        table.add_column(measure.terminal, justify="right", no_wrap=True)
    for line in figures:
        cells = [f"{m.cell(line[m.key])} → {m.cell(line[f'{m.key}_without'])}" for m in MEASURES.values()]
        table.add_row(names[int(line["job_id"])], *cells)
    return table
