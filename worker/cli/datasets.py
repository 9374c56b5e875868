"""`pricewright load`: the verb of the Data page."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from db import datasets
from db.engine import begin
from worker.cli import files, find, tables
from worker.cli.console import AsJson, out, print_json, warn
from worker.cli.options import (
    Columns,
    CurrencyCode,
    CurrencyColumn,
    DatasetName,
    DatesOrder,
    DecimalSign,
    Delimiter,
    Encoding,
    HeaderLine,
    LowerEnds,
    Rates,
    SheetName,
    TestFrom,
    WideRows,
    Yes,
    answers,
    mapped,
    reading,
)
from worker.datasets import actions as datasets_actions
from worker.datasets import division, mended, money, quantities, versions, weights
from worker.files.formats import IN_TERMINAL
from worker.server.up import running_stack

app = typer.Typer()


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help=f"{IN_TERMINAL}, also gzipped.")],
    columns: Columns = None,
    yes: Yes = False,
    name: Annotated[str | None, typer.Option(help="What to call the dataset.")] = None,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    currency: CurrencyCode = None,
    currency_column: CurrencyColumn = None,
    rates: Rates = None,
    header_line: HeaderLine = None,
    sheet: SheetName = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    date_order: DatesOrder = None,
    test_from: TestFrom = None,
    lower_ends: LowerEnds = False,
    version_of: Annotated[str | None, typer.Option(help="Dataset that this file is a new version of.")] = None,
    same: Annotated[
        files.Same | None,
        typer.Option(help="If the very bytes were loaded before: take that, a version, or load anew."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Upload a table: every line becomes an item or a reject with its reason.

    Exits 1 where no line became an item, and 3, with nothing loaded, where it is not sure which column holds the title
    or the price: --map says it, --yes takes what is proposed."""
    with running_stack():
        parent = find.dataset(version_of).id if version_of else None
        wish, twin = files.meant(file, same, quiet=as_json)
        if twin and wish is files.Same.OPEN:
            dataset, about = twin, {"reused": True, "same_bytes": [twin.id]}
        else:
            if twin and wish is files.Same.VERSION:
                parent = parent or twin.id
            said = answers(decimal, accept_wide_rows, currency, rates, date_order, test_from, lower_ends)
            mapping = mapped(columns) | ({} if currency_column is None else {"currency": currency_column})
            forced = reading(header_line, sheet, encoding, delimiter)
            dataset, about = files.load(
                file, mapping, name, said, quiet=as_json, version_of=parent, forced=forced, yes=yes
            )
    report = {
        "dataset": dataset.id,
        "rows_in": dataset.rows_in,
        "items": dataset.items,
        "rejects": dataset.rejects,
        "splits": dataset.splits,
        "version_of": dataset.made_from,
        "changes": asdict(dataset.changes) if dataset.changes else None,
        "currency": {"code": dataset.currency, "converted": datasets_actions.converted(dataset)},
        "price_notes": money.notes(dataset),
        "division": {
            "about": dataset.profile.get(division.PART),
            "facts": division.facts(dataset),
            "doubts": division.doubts(dataset),
        },
        "mended": mended.told(dataset),
        "weights": {"column": weights.column(dataset), "note": weights.gaps(dataset)},
    }
    if as_json:
        print_json(report | {"name": dataset.name} | about)
    else:
        out.print(f"Dataset {dataset.id} ({dataset.name}): {dataset.items:,} items, {dataset.rejects:,} rejects.")
        out.print("Splits: " + ", ".join(f"{count:,} {split}" for split, count in dataset.splits.items()))
        out.print(money.told(dataset))
        for note in money.notes(dataset):
            warn(note)
        if dataset.made_from is not None:
            out.print(f"A version of dataset {dataset.made_from}: {versions.told(dataset.changes)}.")
        for sentence in mended.told(dataset):
            warn(sentence)
        for fact in division.facts(dataset):
            out.print(fact)
        for doubt in division.doubts(dataset):
            warn(doubt)
        if units := quantities.told(dataset):
            out.print(units)
        if without := weights.gaps(dataset):
            warn(without)
    files.refuse_empty(dataset)


@app.command()
def currency(
    what: DatasetName,
    code: Annotated[str, typer.Argument(help="Such as EUR; unknown = none is written.")],
) -> None:
    """Say in which currency the prices of a loaded dataset are; no price changes."""
    with running_stack(worker=False):
        datasets_actions.set_currency(find.dataset(what).id, code)
        out.print(money.told(find.dataset(what)))


@app.command("datasets")
def list_(
    archived: Annotated[bool, typer.Option("--archived", help="Those that are archived, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List datasets, newest first."""
    with running_stack(worker=False), begin() as session:
        every = [each for each in datasets.all(session) if archived or each.archived_at is None]
    if as_json:
        kept = {"inspection", "profile"}  # long, and of use to the page alone
        print_json([{name: value for name, value in asdict(each).items() if name not in kept} for each in every])
    else:
        out.print(tables.dataset_table(every))
