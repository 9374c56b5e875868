"""`pricewright check-prices`, `decide-price` and `curate`: the verbs of the page Price check, for a terminal."""

from typing import Annotated

import typer
from rich.table import Table

from db.job_results import PriceCheckResult
from worker import amounts
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName, Unweighted
from worker.evaluation.price_suspects import REASONS
from worker.price_check import actions
from worker.server.up import running_stack

app = typer.Typer()


@app.command("check-prices")
def check_prices(
    what: DatasetName,
    top: Annotated[int, typer.Option(min=1, help="Suspects shown.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Which known prices can't be right? A ranked list, with what each was likely meant to be and why."""
    with running_stack():
        dataset = find.dataset(what)
        job_id = actions.check(dataset.id)
        watch.wait([job_id], quiet=as_json)
        result = actions.found(job_id)
        decided = dict(actions.decisions(dataset.id).select("row", "decision").iter_rows())
    assert result is not None  # the job is done
    if as_json:
        print_json({"job": job_id, "dataset": dataset.id, "decisions": decided} | result.model_dump(mode="json"))
        return
    out.print(_table(result, top, decided))
    out.print(f"Decide: pricewright decide-price {dataset.id} ROW fix --price 19.99 (or drop, accept); then")
    out.print(f"pricewright curate {dataset.id} makes a new version and says what it gained.")


@app.command("decide-price")
def decide_price(
    what: DatasetName,
    row: Annotated[int, typer.Argument(help="Row, as check-prices prints it.")],
    decision: Annotated[str, typer.Argument(help="accept, fix or drop.")],
    price: Annotated[float | None, typer.Option(min=0, help="Dollars of a fix.")] = None,
) -> None:
    """Decide about a suspect price; nothing changes before `curate` makes a new version."""
    with running_stack(worker=False):
        actions.decide(find.dataset(what).id, row, decision, price)
    out.print(f"Row {row}: {decision}.")


@app.command()
def curate(
    what: DatasetName,
    technique: Annotated[str, typer.Option(help="What is run on both versions.")] = actions.TECHNIQUE,
    unweighted: Unweighted = False,
    as_json: AsJson = False,
) -> None:
    """Make a new version of a dataset with the decisions in it, and say what curation gained on the same test rows."""
    with running_stack():
        made = actions.make_version(find.dataset(what).id)
        job_ids = actions.run_both(made, technique)
        watch.wait(job_ids, quiet=as_json)
        said = actions.gain(job_ids, weighted=not unweighted)
    if as_json:
        print_json({"dataset": made, "jobs": job_ids, "sentence": said})
        return
    out.print(f"Dataset {made} is the new version.")
    out.print(said)


def _table(result: PriceCheckResult, top: int, decided: dict[int, str]) -> Table:
    table = Table(
        box=None, pad_edge=False, caption=f"the most suspect of {result.checked:,} train and validation prices"
    )
    for name in ("row", "product", "price", "likely", "score", "reason", "decided"):
        table.add_column(name, justify="right" if name in ("row", "price", "likely", "score") else "left")
    for each in result.suspects[:top]:
        table.add_row(
            str(each.row),
            each.title[:60],
            amounts.price(each.price),
            amounts.price(each.likely),
            f"{each.score:.1f}",
            REASONS[each.reason],
            decided.get(each.row, ""),
        )
    return table
