"""Reads an uploaded file: first how it is to be read, then its rows as items and rejects.

`inspect` looks, `batches` reads. Both work block by block, so that a file of a gigabyte needs no more memory than one
of ten megabytes; a workbook is the exception, because its format has to be unpacked as a whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from db.errors import UnreadableFile
from worker.amounts import currencies, price_notes
from worker.files.formats import FORMATS, Compression, Kind
from worker.ingest import (
    columns,
    dates,
    decimal_signs,
    double_encoding,
    file_kind,
    header,
    limits,
    markup,
    not_items,
    price_column,
    prices,
    repeated_lines,
    variants,
    wide_rows,
)
from worker.ingest.columns import Proposal
from worker.ingest.conversion import Conversion
from worker.ingest.evidence import Fit
from worker.ingest.item_rules import Rules, is_header
from worker.ingest.open_csv import open_text
from worker.ingest.open_parquet import open_parquet
from worker.ingest.open_table import Table, clean
from worker.ingest.open_xlsx import open_sheet
from worker.ingest.types import FIELDS, TEXT_FIELDS, Batch, Cells, Inspection
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
    _check_forced(kind, forced)
    table = open_table(path, kind, compression, forced)
    layout = table.layout
    if forced.get("header_line") and layout.header_line is None:
        raise UnreadableFile(f"{name} has no line {forced['header_line']} that could be its header.")
    rows = [row for row in layout.rows if row.text.strip() or not row.is_blank]
    if not layout.columns or not rows:
        raise UnreadableFile(f"{name} has no rows of data below its header.")
    if len(layout.columns) > limits.MAX_COLUMNS:
        raise UnreadableFile(f"{name} has {len(layout.columns):,} columns; at most {limits.MAX_COLUMNS:,} can be read.")
    width = len(layout.columns)
    fitting = [row for row in rows if len(row.cells) == width and not is_header(row.cells, layout.columns)]
    proposal = columns.propose(layout.columns, [row.cells for row in fitting])
    mapping = proposal.mapping
    family, variants_seen = variants.find(layout.columns, [row.cells for row in fitting], mapping.get("title", ""))
    marked = _currencies(layout.columns, fitting)
    signs = _signs(layout.columns, fitting, marked)
    orders, undecided_dates = _date_orders(layout.columns, fitting)
    return table.inspection.model_copy(
        update={
            "header_line": layout.header_line,
            "preamble": layout.preamble[:100],
            "columns": [clean(column) for column in layout.columns],
            "preview": [[cell[:500] for cell in row.cells] for row in rows[: limits.PREVIEW_ROWS]],
            "mapping": {field: clean(column) for field, column in mapping.items()},
            "fits": {field: [_as_json(fit, layout.columns) for fit in fits] for field, fits in proposal.fits.items()},
            "unsure": {field: clean(why) for field, why in proposal.unsure.items()},
            "prices": [each | {"column": clean(each["column"])} for each in proposal.prices],
            "parent": clean(family.parent) if family else "",
            "parent_of": clean(family.of) if family else "",
            "decimals": signs.decimals,
            "currencies": marked,
            "undecided": signs.undecided,
            "likelier": signs.likelier,
            "ranges": _ranges(layout.columns, fitting),
            "date_orders": orders,
            "undecided_dates": undecided_dates,
            "wide_rows": wide_rows.reading(layout, fitting) if table.question is None else table.question,
            "warnings": [
                *table.inspection.warnings,
                *_warnings(table, rows),
                *filter(None, [double_encoding.told(rows), double_encoding.lost(rows)]),
                *map(clean, not_items.doubtful(rows, width, _place(layout.columns, mapping.get("price")))),
                *_doubts_of_price(proposal),
                *_doubtful_signs(layout.columns, fitting, mapping.get("price", ""), signs.decimals),
                *_price_notes(layout.columns, fitting, mapping.get("price", ""), signs.decimals),
                *_variants(family, variants_seen, len(fitting)),
                *_markup(layout.columns, fitting, mapping),
            ],
            "forced": forced,
        }
    )


def _check_forced(kind: Kind, forced: Mapping[str, Any]) -> None:
    """Check that what a user set is something that such a file has. Raises UnreadableFile."""
    what = FORMATS[kind].names[0]
    if forced.get("sheet") and kind != "xlsx":
        raise UnreadableFile(f"This is a {what} file, which has no sheets; choose none.")
    if not FORMATS[kind].is_text and (forced.get("encoding") or forced.get("delimiter") is not None):
        raise UnreadableFile(f"This is a {what} file, which needs no encoding and no delimiter; choose none.")
    if FORMATS[kind].names_columns and forced.get("header_line") is not None:
        raise UnreadableFile(f"This is a {what} file, whose columns have names; choose no header line.")


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
    lower_ends = bool(inspection.answers.get("lower_ends"))
    family = variants.Family(inspection.parent, inspection.parent_of) if inspection.parent in names else None
    inheritance = variants.Inheritance(family, names) if family else None
    rules = Rules(names, mapping, decimal, has_header, conversion, order, lower_ends, inheritance=inheritance)
    watch = decimal_signs.Watch(f"c{names.index(price)}" if price else "", decimal)
    wanted = sorted({names.index(column) for column in mapping.values()} if family is None else range(len(names)))

    def apply(cells: Cells) -> Batch:
        watch.check(cells, price)
        return rules.apply(cells)

    for batch in repeated_lines.joined_batches(map(apply, table.cells(wanted))):
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


@dataclass(frozen=True, slots=True)
class _Signs:
    """What the look says of the decimal signs of columns; fields as in Inspection."""

    decimals: dict[str, prices.Decimal] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)
    likelier: dict[str, dict[str, str]] = field(default_factory=dict)


def _signs(names: list[str], rows: list[header.Row], marked: Mapping[str, Mapping[str, Any]]) -> _Signs:
    """The signs of the columns of prices that tell theirs, and both readings of an open cell of each that does not. In
    a currency without cents (marked: what `_currencies` says) three digits behind a mark are thousands: also of ¥,
    which may be yuan, for these have two decimals."""
    signs = _Signs()
    open_ones: dict[str, list[str]] = {}
    for i, name in enumerate(map(clean, names)):
        cells = texts_of(rows, i)
        decimal = prices.decimal_of(cells)
        if decimal is None:
            example = prices.open_cell(cells)
            look = marked.get(name, {})
            if not example:
                continue
            both = decimal_signs.conflict(cells)
            if look.get("code") and not currencies.of(look["code"]).decimals and not both:
                signs.decimals[name] = "." if "," in example else ","
                continue
            signs.undecided[name] = clean(
                f"{both}, and {prices.readings(example)}" if both else prices.readings(example)
            )
            open_ones[name] = cells
        elif prices.share_of_prices(cells[:300]) >= 0.5:
            signs.decimals[name] = decimal
    for name, cells in open_ones.items():
        code = marked.get(name, {}).get("code", "")
        if not decimal_signs.conflict(cells) and (found := decimal_signs.likelier(cells, signs.decimals, code)):
            signs.likelier[name] = found
    return signs


def _place(names: Sequence[str], column: str | None) -> int | None:
    return names.index(column) if column in names else None


def _price_notes(
    names: list[str], rows: list[header.Row], price: str, decimals: Mapping[str, prices.Decimal]
) -> list[str]:
    """What is told of the cells of the column taken for the price, in sentences on the first rows."""
    if not price:
        return []
    place = names.index(price)
    cells = pl.Series([row.cells[place] for row in rows], dtype=pl.String)
    typed = pl.Series([place in row.numbers for row in rows], dtype=pl.Boolean)
    column = price_column.read(cells, decimals.get(clean(price), "."), typed)
    return [clean(sentence) for sentence in price_notes.sentences(column.notes, len(rows))]


def _doubtful_signs(
    names: list[str], rows: list[header.Row], price: str, decimals: Mapping[str, prices.Decimal]
) -> list[str]:
    place = _place(names, price)
    if place is None:
        return []
    cells = [(row.line, row.cells[place]) for row in rows if place not in row.numbers]
    sentence = decimal_signs.doubtful(cells, decimals.get(clean(price)))
    return [clean(sentence)] if sentence else []


def _ranges(names: list[str], rows: list[header.Row]) -> dict[str, str]:
    """The columns of prices in which ranges stand, with one of them each."""
    found = {}
    for i, name in enumerate(names):
        cells = [row.cells[i] for row in rows]
        ranges = [cell for cell in dict.fromkeys(cells) if prices.is_range(cell)]
        if ranges and sum(map(prices.may_be_price, cells)) + sum(map(prices.is_range, cells)) >= 0.5 * len(cells):
            found[clean(name)] = clean(ranges[0].strip())
    return found


def _currencies(names: list[str], rows: list[header.Row]) -> dict[str, dict[str, Any]]:
    """What cells and headers say of the currency of each column of prices, and of each column of currencies."""
    known = {}
    for i, name in enumerate(names):
        cells = [row.cells[i] for row in rows if i < len(row.cells)]
        if sum(bool(currencies.code_in(cell)) for cell in cells) >= 0.5 * len(cells):
            known[clean(name)] = currencies.named_by(cells).as_json()
        elif prices.share_of_prices(cells[:300]) >= 0.05:
            known[clean(name)] = currencies.find(
                name, map(prices.money_of, filter(prices.may_be_price, cells))
            ).as_json()
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


def _as_json(fit: Fit, names: Sequence[str]) -> dict[str, Any]:
    level = columns.level(fit.confidence)
    return {"column": clean(names[fit.column]), "confidence": fit.confidence, "level": level, "why": clean(fit.why)}


def _doubts_of_price(proposal: Proposal) -> Iterator[str]:
    """The reasons why the column taken for the price is perhaps not the one that is meant."""
    price = proposal.mapping.get("price")
    if price is None:
        yield "No column of prices was found, so the items will have none."
        return
    by_name = {each["column"]: each for each in proposal.prices}
    if by_name.get(price, {}).get("kind", "regular") != "regular":
        yield clean(f"No column of regular prices was found, so {price!r} is taken for the price.")
    others = [columns.about_price(each) for name, each in by_name.items() if name != price]
    if others:
        are = "is a price" if len(others) == 1 else "are prices"
        own = columns.about_price(by_name[price]) if price in by_name else repr(price)
        more = f" and {len(others) - 10} more" if len(others) > 10 else ""
        yield clean(f"{own} is taken for the price; {', '.join(others[:10])}{more} {are} too.")


def _variants(family: variants.Family | None, count: int, rows: int) -> Iterator[str]:
    if family:
        yield clean(
            f"{count:,} of the first {rows:,} rows have no title and belong to a product above by {family.parent!r}: "
            "they get its title and description; rows that hold nothing but a picture are rejects."
        )


def _markup(names: Sequence[str], rows: Sequence[header.Row], mapping: Mapping[str, str]) -> Iterator[str]:
    """Which texts hold HTML, and what becomes of it."""
    for text in TEXT_FIELDS:
        if text in mapping:
            place = names.index(mapping[text])
            count = sum(markup.has_tags(row.cells[place]) for row in rows)
            if count:
                yield clean(
                    f"{mapping[text]!r} holds HTML in {count:,} of the first {len(rows):,} rows; it is read as plain "
                    "text, and the file keeps it."
                )


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
    yield from _doubtful_rows(layout, rows)
    wrong = sum(len(row.cells) != width for row in rows)
    if wrong:
        yield f"{wrong} of the first {len(rows)} rows have another number of cells than {width} and will be rejects."


def _doubtful_rows(layout: header.Layout, rows: list[header.Row]) -> Iterator[str]:
    """Rows of the look that are perhaps no products, one sentence for each kind."""
    totals = [(row, cell.strip()) for row in rows for cell in row.cells[:50] if not_items.is_total(cell)]
    if totals:
        row, cell = totals[0]
        more = f" and {len(totals) - 1} more" if len(totals) > 1 else ""
        yield clean(
            f"{cell!r} on line {row.line}{more} may be a total: where that is certain, the row becomes a reject, "
            "else a product."
        )
    notes = sum(row.cells[0][:1] in ("*", "†") and not any(map(str.strip, row.cells[1:])) for row in rows if row.cells)
    if notes:
        yield f"{notes} of the first {len(rows)} rows are marked as notes; at the table's end they become rejects."
    own = not_items.OtherTables(layout.columns, "")
    others = [row for row in rows if not_items.names_columns(row.cells) and not own.is_own(row.cells)]
    if others and layout.header_line is not None:
        yield f"Another table begins on line {others[0].line}; its rows become rejects."
