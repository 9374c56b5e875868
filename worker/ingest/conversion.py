"""Brings the prices of rows into the currency of their table, or says why a row's price can't be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from db.errors import MappingError
from worker.amounts import currencies
from worker.ingest import price_words

Rate = tuple[str, str, float]
"""Code, ISO date, and what one unit of that currency was worth in the table's currency from that date on."""

_NUMBER = r"\d[\d\s.,'’´`_]*\d|\d"  # written as one digit, many cells of a column are the same

_BESIDE = r"[^\d\s.,'’´`_]"  # what is neither in a number nor between two: without any, no cell has a mark


@dataclass(frozen=True, slots=True)
class Converted:
    """Prices of rows in the currency of their table."""

    price: pl.Series  # Float64, null where there is none or it can't be converted
    original_price: pl.Series  # Float64, of those that were converted; else null
    original_currency: pl.Series  # String, of those that were converted; else ""
    why: pl.Series  # String: why a row can't be used; null where it can


@dataclass(frozen=True, slots=True)
class Conversion:
    """The currency that a table's prices are to be in, and the rates by which others are converted."""

    currency: str = ""  # of the table; "" = nobody said
    usual: str = ""  # of prices that say none: the table's, or where nobody said that, what most others say
    rates: Sequence[Rate] = ()

    def apply(
        self, price: pl.Series, cells: pl.Series, named: pl.Series | None = None, dates: pl.Series | None = None
    ) -> Converted:
        """Convert prices (Float64) that stand in the file as `cells`. named: the cells of a column of currencies;
        dates: those of a column of dates, whose rates count; without one the newest do."""
        target = self.currency or self.usual
        codes, why = self._codes(cells.fill_null(""), named, target)
        codes = codes.set(price.is_null(), target)
        why = why.set(price.is_null() & why.is_not_null(), None)
        other = (codes != target) & why.is_null()
        nothing = pl.Series([None], dtype=pl.Float64).new_from_index(0, len(price))
        originals = pl.Series([""], dtype=pl.String).new_from_index(0, len(price))
        if not other.any() or not self.currency or not self.rates:
            why = why.set(other, None) if not other.any() else _or(why, other, self._refusals(codes, cells, target))
            return Converted(price, nothing, originals, why)
        rate = self._rates_of(codes.set(~other, None), dates)
        lacking = other & rate.is_null()
        why = _or(why, lacking, pl.select(pl.format("the rates have none for {} on that day", codes)).to_series())
        done = other & rate.is_not_null()
        places = currencies.of(self.currency).decimals
        converted = pl.select(pl.when(done).then((price * rate).round(places)).otherwise(price)).to_series()
        return Converted(converted, price.set(~done, None), codes.set(~done, ""), why)

    def _codes(self, cells: pl.Series, named: pl.Series | None, target: str) -> tuple[pl.Series, pl.Series]:
        """The code of each price, and why a row's can't be told."""
        if named is None and not cells.str.contains(_BESIDE).any():
            return pl.Series([target], dtype=pl.String).new_from_index(0, len(cells)), _none(len(cells))
        marks = _each(cells.str.replace_all(_NUMBER, "0").str.strip_chars(), _mark_of)
        meant = _each(marks, lambda mark: _meant(mark, target))
        if named is None:
            return meant.set(meant == "", target), _none(len(cells))
        text = named.fill_null("").str.strip_chars()
        said = _each(text, lambda cell: _meant(cell.casefold(), target))
        unknown = (text != "") & (said == "")
        possible = pl.select(
            (pl.lit(marks) == "") | pl.struct(mark=marks, code=said).map_elements(_is_possible, return_dtype=pl.Boolean)
        ).to_series()
        clash = (said != "") & ~possible
        why = _or(_none(len(cells)), unknown, _quoting("currency '{}' is not known", text))
        why = _or(why, clash, _quoting("price '{}' names another currency than its column of currencies", cells))
        codes = pl.select(pl.when(said != "").then(said).when(meant != "").then(meant).otherwise(pl.lit(target)))
        return codes.to_series(), why

    def _refusals(self, codes: pl.Series, cells: pl.Series, target: str) -> pl.Series:
        rest = f"the table is in {target}" if target else "the others say no currency"
        return pl.select(pl.format("price '{}' is in {}, and {}", cells, codes, pl.lit(rest))).to_series()

    def _rates_of(self, codes: pl.Series, dates: pl.Series | None) -> pl.Series:
        """The rate of each row: the last one of its day or before; the newest where there is no date."""
        schema = {"code": pl.String, "day": pl.String, "rate": pl.Float64}
        table = pl.DataFrame(list(self.rates), schema=schema, orient="row")
        known = table.with_columns(pl.col("day").str.to_date()).sort("day")
        newest = known["day"].max()
        day = _none(len(codes)).cast(pl.Date) if dates is None else dates.str.slice(0, 10).str.to_date(strict=False)
        rows = pl.DataFrame({"code": codes, "day": day.fill_null(newest)}).with_row_index()
        found = rows.sort("day").join_asof(known, on="day", by="code", check_sortedness=False)
        return found.sort("index")["rate"]


def check(look: Mapping[str, Any], currency: str, whose: str) -> None:
    """Check that prices which join others can be in their currency. look: what the file says of its prices
    (worker.amounts.currencies.Found as JSON; {}: nothing); currency: "" = nobody said; whose: dataset of the others.
    Raises MappingError. Where only some of the rows say another currency, those are refused one by one."""
    code = look.get("code", "")
    if not code or currency in (code, *look["others"], *look["shares"]):
        return
    if not currency:
        raise MappingError(
            f"The file has prices in {code}, and nobody said in which currency those of {whose} are: say it first, "
            "because they are to be one."
        )
    raise MappingError(
        f"The file has prices in {code}, and {whose} has them in {currency}: convert those of the file first."
    )


def _mark_of(cell: str) -> str:
    """The mark of a currency in a price cell, not in a word beside it: a pound is a weight in "$2/pound"."""
    return currencies.mark_in(price_words.money_of(cell)[0])


def _meant(mark: str, target: str) -> str:
    """The code that a mark means in a table of `target`; "" for no mark."""
    codes = currencies.MARKS.get(mark, ())
    return target if target in codes else codes[0] if codes else ""


def _is_possible(row: dict[str, str]) -> bool:
    return not row["mark"] or row["code"] in currencies.MARKS[row["mark"]]


def _each(texts: pl.Series, function: Callable[[str], str]) -> pl.Series:
    """A function of each text, asked once for each different one."""
    different = texts.unique()
    return texts.replace_strict(different, [function(text) for text in different], return_dtype=pl.String)


def _or(why: pl.Series, where: pl.Series, reasons: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.lit(why).is_null() & where).then(reasons).otherwise(why)).to_series()


def _quoting(form: str, texts: pl.Series) -> pl.Series:
    return pl.select(pl.format(form, pl.lit(texts).str.slice(0, 60))).to_series()


def _none(length: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, length)
