"""`pricewright what-if DATASET` and `pricewright scenarios DATASET`: the verbs of the page What if."""

from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table

from db import jobs, rates
from db.engine import begin
from db.errors import UserError
from db.types import Dataset, JobKind
from worker import amounts
from worker.cli import find
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import DatasetName, assignments, dollars
from worker.pricing import comparison
from worker.server.up import running_stack
from worker.specs import what_if as specs_what_if
from worker.specs.what_if import Scenario
from worker.what_if import actions

app = typer.Typer()


@app.command("what-if")
def what_if(
    what: DatasetName,
    items_a_month: Annotated[int | None, typer.Option(min=1, help="Items to price each month.")] = None,
    months: Annotated[int | None, typer.Option(min=1, help="Over how many months.")] = None,
    token_price: Annotated[
        list[str] | None,
        typer.Option(help="ENDPOINT:MODEL:KIND=dollars per million, KIND one of " + ", ".join(rates.KINDS) + "."),
    ] = None,
    batch: Annotated[bool | None, typer.Option("--batch/--as-run", help="Ask endpoints in batches.")] = None,
    gpu_hour: Annotated[float | None, typer.Option(min=0, help="Dollars for an hour of a GPU machine.")] = None,
    cpu_hour: Annotated[float | None, typer.Option(min=0, help="Dollars for an hour of a CPU machine.")] = None,
    label_usd: Annotated[float | None, typer.Option(min=0, help="Dollars for one priced row to learn from.")] = None,
    hosting_usd: Annotated[
        float | None, typer.Option(min=0, help="Dollars a month for hosting a fine-tuned model.")
    ] = None,
    scenario: Annotated[str, typer.Option(help="Begin with a kept scenario; the other options change it.")] = "",
    save: Annotated[str, typer.Option(help="Keep the scenario under this name.")] = "",
    job: Annotated[
        list[int] | None, typer.Option("--job", help="Only this job; say it for each. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What would each technique cost at another volume and other prices, and from which volume on does one pay?"""
    changes = {
        "items_a_month": items_a_month,
        "months": months,
        "batch": batch,
        "gpu_hour_usd": dollars(gpu_hour),
        "cpu_hour_usd": dollars(cpu_hour),
        "label_usd": dollars(label_usd),
        "hosting_usd": dollars(hosting_usd),
        "tokens": _tokens(token_price),
    }
    with running_stack(worker=False):
        dataset = find.dataset(what)
        before = actions.load(dataset.id, scenario) if scenario else Scenario()
        given = {name: value for name, value in changes.items() if value is not None}
        supposed = specs_what_if.parse(before.model_dump() | given)
        with begin() as session:
            compared = comparison.taken(dataset, jobs.all(session, dataset.id, JobKind.PRICE), job or ())
            labels = comparison.labels(session, [jobs.get(session, job_id) for job_id in compared])
        report = actions.report(actions.ask(compared, supposed), labels)
        kept = actions.save(dataset.id, save, supposed) if save else None
    if as_json:
        print_json({"dataset": dataset.id, "kept": kept.id if kept else None} | report)
        return
    _print(report, supposed)
    if kept:
        out.print(f"Kept as scenario {kept.id}, {kept.name}.")


@app.command()
def scenarios(
    what: DatasetName,
    delete: Annotated[int | None, typer.Option(help="Forget the scenario with this number.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the scenarios that were kept for a dataset: suppositions, never measurements."""
    with running_stack(worker=False):
        dataset = find.dataset(what)
        if delete is not None:
            _delete(dataset, delete)
        kept = actions.kept(dataset.id)
    if as_json:
        print_json([{"id": each.id, "name": each.name, "created_at": each.created_at} | each.settings for each in kept])
        return
    table = Table(box=None, pad_edge=False)
    for name in ("scenario", "name", "items a month", "months", "kept"):
        table.add_column(name)
    for each in kept:
        supposed = specs_what_if.parse(each.settings)
        volume = f"{supposed.items_a_month:,}"
        table.add_row(str(each.id), each.name, volume, str(supposed.months), f"{each.created_at:%Y-%m-%d %H:%M}")
    out.print(table)


def _delete(dataset: Dataset, scenario_id: int) -> None:
    """Of this dataset only: a number of another one is a mistake."""
    if scenario_id not in {each.id for each in actions.kept(dataset.id)}:
        raise UserError(f"{dataset.name} has no scenario {scenario_id}; `pricewright scenarios` lists those there are.")
    actions.delete(scenario_id)


def _tokens(given: list[str] | None) -> dict[str, dict[str, Decimal]] | None:
    """Prices of tokens by model. Raises UserError for what is no price."""
    prices: dict[str, dict[str, Decimal]] = {}
    for name, value in assignments("--token-price", given, "ENDPOINT:MODEL:KIND=dollars", "openai:gpt-x:input=0.4"):
        model, _, kind = name.rpartition(":")
        try:
            usd = Decimal(value)
        except ArithmeticError:
            raise UserError(f"--token-price {name}: {value!r} is no amount of dollars.") from None
        if not model or kind not in rates.KINDS:
            raise UserError(f"--token-price {name}: end it with one of {', '.join(rates.KINDS)}.")
        prices.setdefault(model, {})[kind] = usd
    return prices or None


def _print(report: dict[str, Any], supposed: Scenario) -> None:
    volume = f"{amounts.count(supposed.items_a_month, 'item')} a month"
    out.print(_table(report, f"{volume} over {amounts.count(supposed.months, 'month')}: supposed, not measured"))
    for each in report["crossings"]:
        out.print(each["sentence"])
    for note in report["notes"]:
        out.print(note)


def _table(report: dict[str, Any], caption: str) -> Table:
    table = Table(box=None, pad_edge=False, caption=caption)
    sure = amounts.level(report["level"])
    for name in ("technique", "once $", "$ a month", "$ / 1,000", sure, "in all $", sure):
        table.add_column(name, justify="left" if name == "technique" else "right", no_wrap=True)
    for way in sorted(report["ways"], key=lambda way: (way["total_usd"] is None, way["total_usd"])):
        table.add_row(
            way["label"],
            _usd(way["once_usd"]),
            _usd(way["monthly_usd"]),
            _usd(way["usd_per_1000"]),
            _ends(way, "usd_per_1000"),
            _usd(way["total_usd"]),
            _ends(way, "total_usd"),
        )
    return table


def _usd(value: float | None) -> str:
    if value is not None and 0 < value < amounts.SMALLEST:
        return f"under {amounts.SMALLEST:.6f}"
    return "unknown" if value is None else amounts.plain(value, 2)


def _ends(way: dict[str, Any], name: str) -> str:
    low, high = way[f"{name}_low"], way[f"{name}_high"]
    return amounts.NOTHING if low is None or high is None else f"{_usd(low)}–{_usd(high)}"
