"""Reads an uploaded file: first how it is to be read, then its rows as items and rejects.

`inspect` looks, `batches` reads. Both work block by block, so that a file of a gigabyte needs no more memory than one
of ten megabytes; a workbook is the exception, because its format has to be unpacked as a whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from db.errors import UnreadableFile
from worker.amounts import currencies
from worker.files.formats import FORMATS, Compression, Kind
from worker.ingest import column_synonyms, columns, dates, file_kind, header, limits, prices, repeated_lines, wide_rows
from worker.ingest.conversion import Conversion
from worker.ingest.item_rules import Rules, is_header
from worker.ingest.open_csv import open_text
from worker.ingest.open_parquet import open_parquet
from worker.ingest.open_table import Table, clean
from worker.ingest.open_xlsx import open_sheet
from worker.ingest.types import FIELDS, Batch, Inspection
from worker.progress import Progress

__all__ = ["FIELDS", "Batch", "Inspection", "batches", "inspect"]

OPENERS: dict[Kind, Callable[[Path, Compression, dict[str, Any]], Table]] = {
    "csv": open_text,
    "xlsx": open_sheet,
    "parquet": open_parquet,
}
"""Format of a file -> what opens it; the last argument holds the fields of FORCEABLE that a user set."""

FORCEABLE = ("encoding", "delimiter", "quote", "escape", "skip_space", "newline", "sheet", "header_line")
"""Fields of an inspection that a user may set instead of having them detected."""


def inspect(path: Path, name: str, forced: Mapping[str, Any] | None = None) -> Inspection:
    """Inspects a stored file; `name` is the one it had when it was uploaded.

    `forced` sets fields of FORCEABLE: inspecting again with them gives the columns and the preview that go with a
    changed delimiter, which changing a finished inspection can't. Raises UnreadableFile, with one sentence.
    """
    forced = dict(forced or {})
    kind, compression = file_kind.kind_of(path)
    table = open_table(path, kind, compression, forced)
    layout = table.layout
    rows = [row for row in layout.rows if row.text.strip() or not row.is_blank]
    if not layout.columns or not rows:
        raise UnreadableFile(f"{name} has no rows of data below its header.")
    if len(layout.columns) > limits.MAX_COLUMNS:
        raise UnreadableFile(f"{name} has {len(layout.columns):,} columns; at most {limits.MAX_COLUMNS:,} can be read.")
    width = len(layout.columns)
    fitting = [row for row in rows if len(row.cells) == width and not is_header(row.cells, layout.columns)]
    mapping = columns.propose(layout.columns, [row.cells for row in fitting])
    marked = _currencies(layout.columns, fitting)
    decimals, undecided = _decimals(layout.columns, fitting, marked)
    orders, undecided_dates = _date_orders(layout.columns, fitting)
    return table.inspection.model_copy(
        update={
            "header_line": layout.header_line,
            "preamble": layout.preamble[:100],
            "columns": [clean(column) for column in layout.columns],
            "preview": [[cell[:500] for cell in row.cells] for row in rows[: limits.PREVIEW_ROWS]],
            "mapping": {field: clean(column) for field, column in mapping.items()},
            "decimals": decimals,
            "currencies": marked,
            "undecided": undecided,
            "date_orders": orders,
            "undecided_dates": undecided_dates,
            "wide_rows": wide_rows.reading(layout, fitting),
            "warnings": [
                *table.inspection.warnings,
                *_warnings(table, rows),
                *_doubts_of_price(layout.columns, fitting, mapping.get("price", "")),
            ],
            "forced": forced,
        }
    )


def batches(
    path: Path, inspection: Inspection, mapping: Mapping[str, str], progress: Progress, currency: str = ""
) -> Iterator[Batch]:
    """Every data row of the file, as an item or as a reject, in the order of the file.

    What the inspection says is not detected again, so it can be overridden by its user; columns follow from it.
    `mapping` is field -> column; `currency`: the code of the table's prices, "" = nobody said. Raises MappingError,
    UnreadableFile, and what `progress` raises to stop the work.
    """
    table = open_as(path, inspection)
    names = [clean(column) for column in table.layout.columns]
    mapping = {field: column for field, column in mapping.items() if column}
    columns.check(mapping, names)
    price = mapping.get("price", "")
    decimal = inspection.decimals.get(price)
    if price and decimal is None:
        decimal = prices.decimal_of(texts_of(table.layout.rows, names.index(price)))
    has_header = table.layout.header_line is not None
    look = inspection.currencies.get(mapping.get("currency", "")) or inspection.currencies.get(price) or {}
    conversion = Conversion(currency, currency or look.get("code", ""), inspection.answers.get("rates") or ())
    order = inspection.date_orders.get(mapping.get("date", ""))
    rules = Rules(names, mapping, decimal, has_header, conversion, order)
    wanted = sorted({names.index(column) for column in mapping.values()})
    for batch in repeated_lines.joined_batches(map(rules.apply, table.cells(wanted))):
        if batch.rows:
            progress.advance(batch.rows)
            yield batch


def open_as(path: Path, inspection: Inspection) -> Table:
    """The file as an inspection says that it is read. Raises UnreadableFile."""
    forced = {field: getattr(inspection, field) for field in FORCEABLE} | {"preamble": len(inspection.preamble)}
    return open_table(path, inspection.kind, inspection.compression, forced)


def open_table(path: Path, kind: Kind, compression: Compression, forced: dict[str, Any]) -> Table:
    """The file's layout and its rows of cells. Raises UnreadableFile."""
    return OPENERS[kind](path, compression, forced)


def texts_of(rows: Sequence[header.Row], column: int) -> list[str]:
    """The cells of a column that leave open how a number is written; one that the file calls a number does not."""
    return [row.cells[column] for row in rows if column < len(row.cells) and column not in row.numbers]


def _decimals(
    names: list[str], rows: list[header.Row], marked: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, prices.Decimal], dict[str, str]]:
    """The signs of the columns of prices that tell theirs, and both readings of an open cell of each that does not. In
    a currency without cents (marked: what `_currencies` says) three digits behind a mark are thousands."""
    signs: dict[str, prices.Decimal] = {}
    undecided: dict[str, str] = {}
    for i, name in enumerate(names):
        cells = texts_of(rows, i)
        decimal = prices.decimal_of(cells)
        if decimal is None:
            example = prices.open_cell(cells)
            if example and currencies.of(marked.get(clean(name), {}).get("code", "")).decimals == 0:
                signs[clean(name)] = "." if "," in example else ","
            elif example:
                undecided[clean(name)] = clean(prices.readings(example))
        elif prices.share_of_prices(cells[:300]) >= 0.5:
            signs[clean(name)] = decimal
    return signs, undecided


def _currencies(names: list[str], rows: list[header.Row]) -> dict[str, dict[str, Any]]:
    """What cells and headers say of the currency of each column of prices, and of each column of currencies."""
    known = {}
    for i, name in enumerate(names):
        cells = [row.cells[i] for row in rows if i < len(row.cells)]
        if sum(bool(currencies.code_in(cell)) for cell in cells) >= 0.5 * len(cells):
            known[clean(name)] = currencies.named_by(cells).as_json()
        elif prices.share_of_prices(cells[:300]) >= 0.05:
            known[clean(name)] = currencies.find(name, filter(prices.may_be_price, cells)).as_json()
    return {name: found for name, found in known.items() if found["code"]}


def _date_orders(names: list[str], rows: list[header.Row]) -> tuple[dict[str, dates.Order], dict[str, str]]:
    """The columns of dates that tell whether day or month comes first, and both readings of an open cell of each that
    does not."""
    orders: dict[str, dates.Order] = {}
    undecided: dict[str, str] = {}
    for i, name in enumerate(names):
        cells = [row.cells[i] for row in rows]
        if dates.share_of_dates(cells[:300]) >= 0.5:
            if order := dates.order_of(cells):
                orders[clean(name)] = order
            elif example := dates.open_cell(cells):
                undecided[clean(name)] = clean(dates.readings(example))
    return orders, undecided


def _doubts_of_price(names: list[str], rows: list[header.Row], price: str) -> Iterator[str]:
    """The reasons why the column taken for the price is perhaps not the one that is meant."""
    if not price:
        yield "No column of prices was found, so the items will have none."
        return
    if column_synonyms.price_kind(price) == "other":
        yield clean(f"No column of regular prices was found, so {price!r} is taken for the price.")
    others = columns.other_prices(names, [row.cells for row in rows], price)
    if others:
        are = "is a price" if len(others) == 1 else "are prices"
        yield clean(f"{price!r} is taken for the price; {', '.join(map(repr, others[:10]))} {are} too.")


def _warnings(table: Table, rows: list[header.Row]) -> Iterator[str]:
    layout = table.layout
    if layout.header_line is None and not FORMATS[table.inspection.kind].names_columns:
        yield "No header was found; the columns are named column_1, column_2 and so on."
    if layout.preamble:
        count = len(layout.preamble)
        what = "1 line before the table is" if count == 1 else f"{count} lines before the table are"
        yield f"{what} skipped; it is no row." if count == 1 else f"{what} skipped; they are no rows."
    width = len(layout.columns)
    repeated = [row.line for row in rows if layout.header_line is not None and is_header(row.cells, layout.columns)]
    if repeated:
        more = f" and {len(repeated) - 1} more" if len(repeated) > 1 else ""
        yield f"The header is repeated on line {repeated[0]}{more}; repeated headers are skipped as rejects."
    wrong = sum(len(row.cells) != width for row in rows)
    if wrong:
        yield f"{wrong} of the first {len(rows)} rows have another number of cells than {width} and will be rejects."
