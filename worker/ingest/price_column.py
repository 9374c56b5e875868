"""Reads the prices of a whole column: common spellings vectorised, the rest cell by cell with prices.parse."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from worker.ingest import limits, prices

# Only what prices.parse reads the same way; a test holds the two together.
_SIGN = "[$€£¥₹]"


Note = tuple[str, str]
"""What was read in a cell beside its price: "none" and what says so, "aside" and a word left aside, "range" and ""."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of prices that was read."""

    price: pl.Series  # Float64, null = none
    why: pl.Series  # String: why a cell can't be used; null = fine
    notes: dict[Note, int]  # cells of which something is told


def parse(
    cells: pl.Series, decimal: prices.Decimal | None, numbers: pl.Series | None = None
) -> tuple[pl.Series, pl.Series]:
    """The prices and the reasons of `read`."""
    column = read(cells, decimal, numbers)
    return column.price, column.why


def read(
    cells: pl.Series, decimal: prices.Decimal | None, numbers: pl.Series | None = None, *, lower_ends: bool = False
) -> Column:
    """The prices in `cells` (strings, not null).

    `numbers` says which cells the file itself calls numbers: their text has a decimal point, whatever the others have.
    `decimal` None refuses what can be read in two ways; `lower_ends` reads ranges as their lower end.
    """
    if numbers is None or not numbers.any():
        return _read_text(cells, decimal, lower_ends)
    if numbers.all():
        return _read_text(cells, ".", lower_ends)
    typed = _read_text(cells.set(~numbers, ""), ".", lower_ends)
    text = _read_text(cells.set(numbers, ""), decimal, lower_ends)
    both = ((typed.price, text.price), (typed.why, text.why))
    price, why = (pl.select(pl.coalesce(*pair)).to_series() for pair in both)
    notes = Counter(typed.notes) + Counter(text.notes)
    return Column(price, why, dict(notes))


def _read_text(cells: pl.Series, decimal: prices.Decimal | None, lower_ends: bool) -> Column:
    text = cells.str.strip_chars()
    plain = _plain_numbers(text, decimal)
    values = text.set(~plain, None).cast(pl.Float64, strict=False) if plain.any() else _nothing(len(text))
    if decimal and not plain.all():
        shaped = _without_marks(text.set(plain, None), decimal)
        values = pl.select(pl.coalesce(values, shaped)).to_series()
    # What came out odd (0, huge) and what did not come out at all is looked at one by one.
    good = ((values > 0) & (values < limits.MAX_PRICE)).fill_null(False)
    values = values.set(~good, None)
    rest = ~good & (text != "")
    reasons = pl.Series("reason", [None], dtype=pl.String).new_from_index(0, len(text))
    if not rest.any():
        return Column(values.alias("price"), reasons, {})
    counts = text.filter(rest).value_counts(name="count")
    odd = counts[counts.columns[0]]
    readings = [prices.read(cell, decimal, lower_ends=lower_ends) for cell in odd]
    table = pl.DataFrame(
        {"text": odd, "value": [each.value for each in readings], "why": [each.why or None for each in readings]},
        schema={"text": pl.String, "value": pl.Float64, "why": pl.String},
    )
    joined = pl.DataFrame({"text": text.set(~rest, None)}).join(table, on="text", how="left", maintain_order="left")
    prices_read = pl.select(pl.coalesce(values, joined["value"])).to_series()
    notes = _notes(readings, counts["count"].to_list())
    return Column(prices_read.alias("price"), joined["why"].alias("reason"), notes)


def _notes(readings: Iterable[prices.Reading], counts: Iterable[int]) -> dict[Note, int]:
    notes: Counter[Note] = Counter()
    for reading, count in zip(readings, counts, strict=True):
        if reading.none:
            notes["none", reading.none] += count
        if reading.is_lower:
            notes["range", ""] += count
        for word in set(reading.aside):
            notes["aside", word] += count
    return dict(notes)


def _nothing(length: int) -> pl.Series:
    return pl.Series([None], dtype=pl.Float64).new_from_index(0, length)


def _plain_numbers(text: pl.Series, decimal: prices.Decimal | None) -> pl.Series:
    """Numbers of digits with a decimal point. Unless the column has decimal points, three digits behind a point may be
    more."""
    digits = r"^[0-9]{1,12}(?:\.[0-9]{1,9})?$" if decimal == "." else r"^[0-9]{1,12}(?:\.[0-9]{1,2})?$"
    return text.str.contains(digits)


def _without_marks(text: pl.Series, decimal: prices.Decimal) -> pl.Series:
    """Numbers with one common currency sign, groups of thousands or a decimal comma; null where it is none of these."""
    core = text.str.replace(rf"^{_SIGN}\s?", "").str.replace(rf"\s?(?:{_SIGN}|EUR|USD|GBP|zł|kr)$", "")
    group = "," if decimal == "." else r"\."
    point = r"\." if decimal == "." else ","
    pattern = rf"^(?:[0-9]{{1,12}}|[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+)(?:{point}[0-9]{{1,9}})?$"
    core = core.set(~core.str.contains(pattern).fill_null(False), None)
    core = core.str.replace_all(group, "")
    return (core if decimal == "." else core.str.replace(",", ".", literal=True)).cast(pl.Float64, strict=False)
