"""Which real prices belong to which rows that were priced: by ids, or by identical texts."""

from dataclasses import dataclass

import polars as pl

TEXTS = ("title", "description", "category", "brand")


@dataclass(frozen=True, slots=True)
class Matched:
    """Real prices beside the rows that they belong to, and what belongs to none."""

    prices: pl.DataFrame  # row, price ($): each row at most once, by row
    by: str  # "id" or "text"
    unknown: int  # lines with a price that belong to no row
    without_price: int  # lines without a price
    contradicting: int  # ids (or texts) that stand there twice with different prices: none of them is taken
    repeated: int  # ids (or texts) that several rows have: which one is meant can't be told, so none is taken


def match(rows: pl.DataFrame, told: pl.DataFrame, *, by_id: bool, texts: tuple[str, ...] = TEXTS) -> Matched:
    """Real prices of rows.

    rows: row, external_id and TEXTS of what was priced; told: external_id, TEXTS and price ($; null where there is
    none) of a file with real prices. by_id: ids say what belongs together, where both have one; else all of `texts` do,
    to the letter. A price that stands there twice alike counts once.
    """
    key = pl.col("external_id") if by_id else pl.struct(*texts)
    is_named = (pl.col("external_id") != "") if by_id else pl.lit(True)
    mine = rows.select("row", key=key, named=is_named).filter("named")
    theirs = told.select("price", key=key, named=is_named)
    priced = theirs.filter("named", pl.col("price").is_not_null()).select("key", "price").unique(maintain_order=True)
    single = priced.group_by("key", maintain_order=True).agg(pl.len().alias("prices"), pl.col("price").first())
    contradicting = single.filter(pl.col("prices") > 1)
    known = mine.group_by("key", maintain_order=True).agg(pl.len().alias("rows"), pl.col("row").first())
    found = single.filter(pl.col("prices") == 1).join(known, on="key", how="left", maintain_order="left")
    alone = found.filter(pl.col("rows") == 1)
    unnamed = len(theirs.filter(~pl.col("named"), pl.col("price").is_not_null()))
    return Matched(
        prices=alone.select("row", "price").sort("row"),
        by="id" if by_id else "text",
        unknown=len(found.filter(pl.col("rows").is_null())) + unnamed,
        without_price=len(theirs.filter(pl.col("price").is_null())),
        contradicting=len(contradicting),
        repeated=len(found.filter(pl.col("rows") > 1)),
    )
