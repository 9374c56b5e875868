"""The cells that are appended to each line of a priced file: what they are called and how they are written."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from worker import amounts

NAMES = ("price", "low", "high", "flag", "reason")

LINES: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64,  # 1-based, where the row begins in the file; each once, in order
    "price": pl.Float64,  # null: none
    "low": pl.Float64,
    "high": pl.Float64,
    "flag": pl.String,
    "reason": pl.String,  # "" where there is nothing to say
}
"""Columns of a frame of what is said of each row of a file."""

_LONGEST = 200
_PREFIX = "pricewright_"
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"  # as worker.pricing.export makes plain


def names_beside(hers: Iterable[str]) -> list[str]:
    """The names of the appended columns: NAMES, or those with a prefix where one of them is a column of the file."""
    taken = {" ".join(name.split()).casefold() for name in hers}
    names, number = list(NAMES), 1
    while taken & set(names):
        names = [f"{_PREFIX}{name}" + (f"_{number}" if number > 1 else "") for name in NAMES]
        number += 1
    return names


def plain(texts: pl.Series) -> pl.Series:
    """Texts for one cell of one line: short, without control characters, and nothing that a spreadsheet would run."""
    text = texts.str.replace_all(r"[\x00-\x1f\x7f-\u{9f}\u{2028}\u{2029}]+", " ").str.strip_chars()
    cell = pl.lit(text)
    cell = pl.when(cell.str.len_chars() > _LONGEST).then(cell.str.slice(0, _LONGEST) + "…").otherwise(cell)
    cell = pl.when(cell.str.contains(_FORMULA)).then(pl.lit("'") + cell).otherwise(cell)
    return pl.select(cell.alias(texts.name)).to_series()


def money(values: pl.Series, decimal: str) -> pl.Series:
    """Prices as text with the decimals of the currency (worker.amounts.money); "" for none. Parquet keeps all."""
    known = values.is_not_null() & values.is_finite().fill_null(False)
    text = np.char.mod(f"%.{amounts.money().places}f", values.fill_null(0.0).to_numpy())
    written = pl.Series(text.tolist(), dtype=pl.String)
    if decimal != ".":
        written = written.str.replace(".", decimal, literal=True)
    return written.set(~known, "")


def decimal_sign(decimals: dict[str, str], price_column: str) -> str:
    """The decimal sign of the file's own prices; where it has none, that of its other numbers, if they agree."""
    if price_column in decimals:
        return decimals[price_column]
    signs = set(decimals.values())
    return signs.pop() if len(signs) == 1 else "."
