"""Reads the prices of a whole column: common spellings vectorised, the rest cell by cell with prices.parse."""

import polars as pl

from worker.ingest import limits, prices

# Only what prices.parse reads the same way; a test holds the two together.
_SIGN = "[$€£¥₹]"


def parse(
    cells: pl.Series, decimal: prices.Decimal | None, numbers: pl.Series | None = None
) -> tuple[pl.Series, pl.Series]:
    """(Float64 prices, null = none; String reasons, null = fine), both as long as `cells` (strings, not null).

    `numbers` says which cells the file itself calls numbers: their text has a decimal point, whatever the others have.
    `decimal` None refuses what can be read in two ways.
    """
    if numbers is None or not numbers.any():
        return _parse_text(cells, decimal)
    if numbers.all():
        return _parse_text(cells, ".")
    parts = _parse_text(cells.set(~numbers, ""), "."), _parse_text(cells.set(numbers, ""), decimal)
    price, why = (pl.select(pl.coalesce(*both)).to_series() for both in zip(*parts, strict=True))
    return price, why


def _parse_text(cells: pl.Series, decimal: prices.Decimal | None) -> tuple[pl.Series, pl.Series]:
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
        return values.alias("price"), reasons
    odd = text.filter(rest).unique()
    read = [prices.parse(cell, decimal) for cell in odd]
    table = pl.DataFrame(
        {"text": odd, "value": [value for value, _ in read], "why": [reason or None for _, reason in read]},
        schema={"text": pl.String, "value": pl.Float64, "why": pl.String},
    )
    joined = pl.DataFrame({"text": text.set(~rest, None)}).join(table, on="text", how="left", maintain_order="left")
    prices_read = pl.select(pl.coalesce(values, joined["value"])).to_series()
    return prices_read.alias("price"), joined["why"].alias("reason")


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
