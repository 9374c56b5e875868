"""Values of a column that the table which was learned from never had, with how many rows have each."""

import polars as pl


def values(texts: pl.Series) -> pl.Series:
    """The different values of a text column, as `unknown` compares them."""
    return _key(texts).unique().sort()


def unknown(known: pl.Series, table: pl.DataFrame, column: str) -> pl.DataFrame:
    """value, rows: of each value of the table's text column that is not among `known` (`values`), the most frequent
    first. Case and spaces around it do not matter, and no value ("") is none."""
    own = table.select(key=_key(table[column]), value=pl.col(column).str.strip_chars())
    return (
        own.filter(pl.col("key") != "", ~pl.col("key").is_in(known.implode()))
        .group_by("key", maintain_order=True)
        .agg(value=pl.col("value").first(), rows=pl.len())
        .sort("rows", "key", descending=[True, False])
        .select("value", pl.col("rows").cast(pl.Int64))
    )


def _key(texts: pl.Series) -> pl.Series:
    return texts.str.strip_chars().str.to_lowercase()
