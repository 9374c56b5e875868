"""`pricewright data-need DATASET`: the verb of the page Data need, for a terminal and scripts."""

from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table

from db.types import Job
from worker import amounts
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json, warn
from worker.cli.options import DatasetName
from worker.data_need import actions as data_need_actions
from worker.evaluation.data_verdict import reach
from worker.finetune import actions
from worker.server.up import running_stack
from worker.specs import data_need as specs_data_need

app = typer.Typer()


@app.command("data-need")
def data_need(
    what: DatasetName,
    rows: Annotated[int, typer.Option(min=0, help="The largest part; 0 = the whole train side.")] = 0,
    measured: Annotated[
        int, typer.Option(min=specs_data_need.FEWEST_MEASURED, help="Validation rows to measure on.")
    ] = 150,
    model: Annotated[str | None, typer.Option(help="Base model that is fine-tuned.")] = None,
    label_usd: Annotated[float | None, typer.Option(min=0, help="What one more price costs you, in dollars.")] = None,
    as_json: AsJson = False,
) -> None:
    """Would more rows pay? Learn from 1/8, 1/4, 1/2 and all of them, with and without fine-tuning, and say."""
    train = specs_data_need.CHEAP.model_copy(update={} if model is None else {"model": model})
    spec = specs_data_need.parse({"rows": rows, "measured": measured, "train": train.model_dump()})
    with running_stack():
        dataset = find.dataset(what)
        job_id = data_need_actions.start(dataset.id, spec)
        caution = actions.caution(dataset.id, spec.train)
        if caution and not as_json:
            warn(caution)
        job = watch.wait_for_training(job_id, quiet=as_json)
        report = data_need_actions.report(job_id)
    assert report is not None  # the job is done
    if as_json:
        print_json({"job": job_id, "dataset": dataset.id, "warnings": [caution] if caution else []} | report)
        return
    _print(job, report, label_usd)


def _print(job: Job, report: dict[str, Any], label_usd: float | None) -> None:
    out.print(_table(report))
    for each in report["crossings"]:
        out.print(each["sentence"])
        if each["rows"] is not None and not each["is_ahead"]:
            labels = Decimal(repr(label_usd or 0))
            usd = data_need_actions.cost(job, report, each["rows"], labels)
            about = (
                "training only; --label-usd adds what the missing prices cost" if label_usd is None else "labels too"
            )
            out.print(f"  Up to there: {amounts.usd(usd)} ({about}).")
    out.print(specs_data_need.parse(job.spec["data_need"]).meaning)
    out.print(
        "How far to trust this: the largest part was foretold from the smaller ones. That tests a doubling of the "
        f"rows; forecasts go up to {reach(report['rows'], report['there'])}, and further on nothing was tested.",
    )
    for each in report["forecasts"]:
        out.print(f"  {each['sentence']}")


def _table(report: dict[str, Any]) -> Table:
    column = report.get("weighted_by", "")  # a report of an earlier version has none
    error = f"mean error weighted by {column}" if column else "mean error"
    table = Table(
        box=None, pad_edge=False, caption=f"{error}{amounts.unit()}, on validation rows that nothing learned from"
    )
    table.add_column("rows", justify="right")
    for way in report["ways"].values():
        table.add_column(way["label"], justify="right")
    for points in zip(*(way["points"] for way in report["ways"].values()), strict=True):
        table.add_row(f"{points[0]['rows']:,}", *(amounts.plain(point["error"], 1) for point in points))
    return table
