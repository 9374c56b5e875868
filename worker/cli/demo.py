"""`pricewright demo`: the main job without a browser, from a table to the trade-off table."""

from pathlib import Path
from typing import Annotated, Any

import typer

from db.errors import NotFound, NotReady, UserError
from db.settings import settings
from db.types import Dataset, Split
from worker import specs
from worker.cli import cautions, files, tables, watch
from worker.cli.console import AsJson, out, print_json, warn
from worker.cli.options import (
    Columns,
    CurrencyCode,
    DecimalSign,
    Delimiter,
    Encoding,
    HeaderLine,
    SheetName,
    WideRows,
    Yes,
    answers,
    mapped,
    reading,
)
from worker.datasets.answers import NOTHING_SAID
from worker.finetune import actions as finetune_actions
from worker.pricing import actions as pricing_actions
from worker.pricing import comparison
from worker.server import demo as parts
from worker.server.up import running_stack

app = typer.Typer()


@app.command()
def demo(
    file: Annotated[Path | None, typer.Argument(help="Another table; default: the synthetic demo catalogue.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Price a sample of this many rows.")] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="Also prompt chains, both packaged models, and greedy text.")
    ] = False,
    train_rows: Annotated[
        int | None,
        typer.Option(min=0, help="A small fine-tune, after all else, learns from so many rows; 0 = none of it."),
    ] = None,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    columns: Columns = None,
    yes: Yes = False,
    currency: CurrencyCode = None,
    header_line: HeaderLine = None,
    sheet: SheetName = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    as_json: AsJson = False,
) -> None:
    """The main job without a browser: load a table, price it with every technique, print the trade-off table."""
    said, forced = answers(decimal, accept_wide_rows, currency), reading(header_line, sheet, encoding, delimiter)
    learned = settings().demo_train_rows if train_rows is None else train_rows
    with running_stack():
        about: dict[str, Any] = {}
        if file:
            if not file.is_file():
                raise NotFound(f"There is no file {file}.")
            dataset, about = files.dataset_or_file(
                str(file), said, quiet=as_json, forced=forced, mapping=mapped(columns), yes=yes
            )
        elif said != NOTHING_SAID or forced or columns or yes:
            raise UserError(
                "--map, --yes, --decimal, --accept-wide-rows, --sheet and the like belong to a file; name one."
            )
        else:
            dataset = files.demo_dataset(quiet=as_json)
        chosen = specs.variants() if variants else specs.defaults()
        job_ids = pricing_actions.start(dataset.id, chosen, Split.TEST, limit)
        warnings = cautions.say(job_ids, quiet=as_json)
        watch.wait(job_ids, quiet=as_json)
        if learned:
            try:
                job_ids += _fine_tuned(dataset, learned, limit, quiet=as_json)
            except NotReady as error:
                warnings.append(f"No fine-tune: {error}")
                warn(warnings[-1])
        warnings += cautions.say_unlike(job_ids, quiet=as_json)
        report = comparison.of_jobs(job_ids)
    if as_json:
        print_json(
            {"dataset": dataset.id, "currency": dataset.currency, "jobs": job_ids, "rows": report, "warnings": warnings}
            | about
        )
        return
    note = " (synthetic)" if dataset.is_synthetic else ""
    out.print(f"{dataset.name}{note}: {dataset.items:,} items, {report[0]['n']:,} test rows priced by each technique.")
    out.print(tables.comparison(report))


def _fine_tuned(dataset: Dataset, rows: int, limit: int | None, *, quiet: bool) -> list[int]:
    """Train the demo's small fine-tune and price with it: the ids of the pricing jobs. Raises NotReady where too few
    rows have a price."""
    training_id = finetune_actions.start(dataset.id, parts.training(rows))
    job = watch.wait_for_training(training_id, quiet=quiet)
    job_ids = pricing_actions.start(dataset.id, parts.fine_tuned(job), Split.TEST, limit)
    watch.wait(job_ids, quiet=quiet)
    return job_ids
