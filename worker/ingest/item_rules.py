"""The rules by which rows become items or rejects with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from worker.ingest import (
    clean_text,
    csv_careful,
    dates,
    limits,
    not_items,
    price_column,
    repeated_lines,
    side_values,
    variants,
)
from worker.ingest.conversion import Conversion, Converted
from worker.ingest.prices import Decimal
from worker.ingest.types import BATCH_ITEMS, BATCH_REJECTS, TEXT_FIELDS, Batch, Cells, Reject

NO_QUANTITY = "no quantity above 0"


@dataclass(frozen=True, slots=True)
class Rules:
    columns: Sequence[str]
    mapping: Mapping[str, str]
    decimal: Decimal | None  # of the price column's text; None = what can be read in two ways is a reject
    has_header: bool
    conversion: Conversion = field(default_factory=Conversion)
    date_order: dates.Order | None = None  # None = a date that can be read in two ways is none
    lower_ends: bool = False  # a range of prices is read as its lower end; else it is a reject
    totals: not_items.Totals = field(default_factory=not_items.Totals)  # of the parts before
    inheritance: variants.Inheritance | None = None  # what rows without a title have from a product above

    def apply(self, cells: Cells) -> Batch:
        """Turns every row of `cells` into an item or a reject; the first reason found is the one that is kept."""
        frame = cells.frame
        reasons = dict(cells.spoiled)
        fields = {
            column: clean_text.tidy(self._column(frame, field)).alias(column) for field, column in TEXT_FIELDS.items()
        }
        if self.inheritance:
            for row in self.inheritance.apply(frame, fields):
                reasons.setdefault(row, variants.AN_IMAGE)
        self._find_headers(cells, fields["title"], reasons)
        self._find_long(frame, reasons)
        for row in not_items.drawn(frame):
            reasons.setdefault(row, not_items.DRAWN)
        for row in not_items.notes(fields["title"], frame):
            reasons.setdefault(row, not_items.NOTE)
        numbers = (
            cells.numbers.get(f"c{self.columns.index(self.mapping['price'])}") if "price" in self.mapping else None
        )
        read = price_column.read(self._column(frame, "price"), self.decimal, numbers, lower_ends=self.lower_ends)
        price = read.price
        others = [fields[name] for name in ("description", "category", "brand")]
        for row in self.totals.find(fields["external_id"], fields["title"], others, price):
            reasons.setdefault(row, not_items.TOTAL)
        self._find_untitled(cells, fields["title"], reasons)
        converted = self._converted(frame, price)
        for reason in (read.why, converted.why):
            for row in reason.is_not_null().arg_true():
                reasons.setdefault(row, reason[row])
        side, date = self._division(frame, converted.price, reasons)
        quantity = self._positive(frame, "quantity")
        if "quantity" in self.mapping:
            for row in quantity.is_null().arg_true():
                reasons.setdefault(row, NO_QUANTITY)
        items = pl.DataFrame(
            [
                pl.Series("line", cells.lines, dtype=pl.Int64),
                *fields.values(),
                converted.price.alias("price"),
                converted.original_price.alias("original_price"),
                converted.original_currency.alias("original_currency"),
                self._positive(frame, "weight"),
                side,
                date,
                quantity,
            ]
        )
        rejects = list(cells.rejects)
        counts = cells.counts
        if reasons:
            keep = np.ones(len(frame), dtype=bool)
            keep[list(reasons)] = False
            items = items.filter(keep)
            of_row = np.ones(len(frame), dtype=np.int64) if counts is None else counts
            rejects += [
                Reject(int(cells.lines[row]), cells.raw(row), reason, int(of_row[row]))
                for row, reason in reasons.items()
            ]
            counts = None if counts is None else counts[keep]
        rejects.sort(key=lambda reject: reject.line)
        return Batch(
            repeated_lines.told_apart(items.select(list(BATCH_ITEMS)), counts),
            pl.DataFrame(
                {
                    "line": [reject.line for reject in rejects],
                    "raw": [reject.raw for reject in rejects],
                    "reason": [reject.reason for reject in rejects],
                    "count": [reject.count for reject in rejects],
                },
                schema=BATCH_REJECTS,
            ),
            cells.mended,
            read.notes,
        )

    def _column(self, frame: pl.DataFrame, field: str) -> pl.Series:
        if field not in self.mapping:
            return pl.Series([""], dtype=pl.String).new_from_index(0, len(frame))
        return frame[f"c{self.columns.index(self.mapping[field])}"]

    def _converted(self, frame: pl.DataFrame, price: pl.Series) -> Converted:
        """The prices in the table's currency. The date of a row is that of the column mapped as such, if one is."""
        named, dates = (self._column(frame, name) if name in self.mapping else None for name in ("currency", "date"))
        return self.conversion.apply(price, self._column(frame, "price"), named, dates)

    def _positive(self, frame: pl.DataFrame, field: str) -> pl.Series:
        """The numbers of a column; null where no positive one is there. A row without a weight is no reject: it can be
        priced all the same; one without its quantity is, because nobody knows what its price is for."""
        if field not in self.mapping:
            return _nothing(field, pl.Float64, len(frame))
        text = self._column(frame, field).fill_null("").str.strip_chars()
        if self.decimal == ",":
            text = text.str.replace(",", ".", literal=True)
        value = text.cast(pl.Float64, strict=False)
        return value.set(~((value > 0) & value.is_finite()).fill_null(False), None).alias(field)

    def _division(self, frame: pl.DataFrame, price: pl.Series, reasons: dict[int, str]) -> tuple[pl.Series, pl.Series]:
        """What each row says of its side and its date. A priced row that leaves its side open is a reject: it must not
        be learned from, for it may be meant for testing, nor tested on. With sides, dates divide nothing."""
        if "side" not in self.mapping and "date" not in self.mapping:
            return _nothing("side", pl.String, len(frame)), _nothing("date", pl.Date, len(frame))
        side, no_side = side_values.column(self._column(frame, "side").fill_null(""))
        date, no_date = dates.column(self._column(frame, "date").fill_null(""), self.date_order)
        field = next((field for field in ("side", "date") if field in self.mapping), "")
        why = no_side if field == "side" else no_date.set(no_date.is_null() & date.is_null(), "date is missing")
        for row in (price.is_not_null() & why.is_not_null()).arg_true() if field else ():
            reasons.setdefault(row, why[row])
        return side.alias("side"), date.alias("date")

    def _find_headers(self, cells: Cells, title: pl.Series, reasons: dict[int, str]) -> None:
        if not self.has_header:
            return
        for row in (title == self.mapping["title"].strip()).arg_true():
            values = [value.strip() for value in cells.frame.row(row)]
            if is_header(values, self.columns):
                reasons.setdefault(row, not_items.REPEATED)

    def _find_long(self, frame: pl.DataFrame, reasons: dict[int, str]) -> None:
        for name in frame.columns:
            if (frame[name].str.len_bytes().max() or 0) > limits.MAX_CELL:  # type: ignore[operator]
                for row in (frame[name].str.len_chars() > limits.MAX_CELL).arg_true():
                    reasons.setdefault(row, csv_careful.too_long())

    def _find_untitled(self, cells: Cells, title: pl.Series, reasons: dict[int, str]) -> None:
        for row in (title == "").arg_true():
            is_empty = not any(value.strip() for value in cells.frame.row(row))
            reasons.setdefault(row, "every cell is empty" if is_empty else "no title")


def _nothing(name: str, kind: type[pl.DataType], length: int) -> pl.Series:
    """A column of nulls."""
    return pl.Series(name, [None], dtype=kind).new_from_index(0, length)


def is_header(cells: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether these cells are the names of the columns. Columns that had no name, or one used twice, bear another
    now."""
    return len(cells) == len(columns) and all(
        " ".join(cell.split()) == column
        or (not cell.strip() and column.startswith("column_"))
        or column.startswith(f"{cell.strip()}_")
        for cell, column in zip(cells, columns, strict=True)
    )
