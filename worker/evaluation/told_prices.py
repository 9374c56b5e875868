"""Texts in which an item's own price stands, so that a technique may read the answer instead of guessing it.

A number that only happens to equal a price is no leak: "100 pieces" for an item of $100. So a number counts if it has
the price's cents, or a sign of money beside it, and no unit. How often numbers agree by accident all the same is told
by asking for the prices of other items.
"""

import numpy as np
import polars as pl

_MONEY = r"(?:\$|usd|us\$|dollars?|eur|euros?|€|£)"
_UNIT = (
    r"(?:[\"'′″°%x×]|(?:inch(?:es)?|in|ft|feet|mm|cm|m|km|kg|g|mg|lbs?|oz|ounces?|pounds?|ml|l|liters?|gb|tb|mb|ghz|mhz|hz|"
    r"w|watts?|v|volts?|mah|ah|amps?|db|fps|mp|megapixels?|rpm|psi|qt|gal|gallons?|yards?|grams?|pieces?|pcs|pack|count|"
    r"hours?|hrs?|minutes?|years?|days?)\b)"
)
_NUMBER = (
    rf"(?i)({_MONEY})?\s?(\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?|\d+(?:[.,]\d{{1,2}})?)"
    rf"(\s?cents?\b|\s?{_MONEY})?(\s?-?{_UNIT})?"
)
_LONGEST = 20_000  # letters that are read


def told(items: pl.DataFrame) -> pl.DataFrame:
    """row, words: the items with `row`, `title`, `description` and `price` ($) whose text tells the price, and how it
    is written there; at most one line per row.

    It tells the price if a number in it is the price to the cent, written with cents ("19.99"; "100.00" too), with a
    sign of money ("$20" for 20.00, and "$19" for 19.99: the dollars of it), or in cents ("1999 cents").
    """
    numbers = _numbers(items)
    return _agreeing(numbers, items.select("row", "price"))


def by_accident(items: pl.DataFrame, seed: int = 0) -> float:
    """How many of the items would be said to tell their price if it were that of another item of about the same price:
    the false alarms to be expected."""
    priced = items.filter(pl.col("price") > 0).sort("price")
    if len(priced) < 3:
        return 0.0
    numbers = _numbers(priced)
    prices = priced["price"].to_numpy()
    random = np.random.default_rng(seed)
    counts = []
    for _ in range(5):
        shift = random.integers(1, min(20, len(prices) - 1) + 1, len(prices)) * random.choice([-1, 1], len(prices))
        other = prices[np.clip(np.arange(len(prices)) + shift, 0, len(prices) - 1)]
        differs = np.abs(other - prices) > 0.005
        asked = priced.select("row").with_columns(price=pl.Series(other)).filter(pl.Series(differs))
        share = max(1, int(differs.sum()))
        counts.append(len(_agreeing(numbers, asked)) / share * len(priced))
    return float(np.mean(counts))


def _numbers(items: pl.DataFrame) -> pl.DataFrame:
    """row, words, dollars (float), has_cents, has_sign of every number in the texts that has no unit beside it."""
    text = pl.concat_str("title", pl.lit(". "), "description").str.slice(0, _LONGEST)
    found = (
        items.lazy()
        .select("row", words=text.str.extract_all(_NUMBER))
        .explode("words")
        .drop_nulls("words")
        .with_columns(parts=pl.col("words").str.extract_groups(_NUMBER))
        .unnest("parts")
        .filter(pl.col("4").fill_null("") == "")
        .with_columns(digits=pl.col("2"), after=pl.col("3").fill_null("").str.strip_chars().str.to_lowercase())
        .with_columns(
            has_cents=pl.col("digits").str.contains(r"[.,]\d\d$"),
            in_cents=pl.col("after").str.starts_with("cent"),
            plain=pl.col("digits").str.replace_all(r",(\d{3})", "${1}").str.replace(",", ".", literal=True),
        )
        .with_columns(
            dollars=pl.col("plain").cast(pl.Float64, strict=False) / pl.when("in_cents").then(100.0).otherwise(1.0),
            has_sign=(pl.col("1").fill_null("") != "") | (pl.col("after") != ""),
        )
    )
    return found.select("row", pl.col("words").str.strip_chars(), "dollars", "has_cents", "has_sign").collect()


def _agreeing(numbers: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    off = (pl.col("dollars") - pl.col("price")).abs() < 0.005
    whole = pl.col("has_sign") & ~pl.col("has_cents") & (pl.col("dollars") == pl.col("price").floor())
    return (
        numbers.join(prices.filter(pl.col("price") > 0), on="row")
        .filter((off & (pl.col("has_cents") | pl.col("has_sign"))) | (whole & (pl.col("price") >= 1)))
        .unique("row", keep="first", maintain_order=True)
        .select("row", "words")
        .sort("row")
    )
