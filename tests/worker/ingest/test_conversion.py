"""Prices of several currencies are never one number: converted by the rate of the day, or told to be in another one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.ingest.conversion import Conversion

RATES = [("USD", "2026-01-01", 0.9), ("USD", "2026-02-01", 0.8), ("GBP", "2026-01-01", 1.2)]
CELLS = pl.Series(["5 €", "$10", "£3", "7", "CHF 3", ""])
PRICES = pl.Series([5.0, 10.0, 3.0, 7.0, 3.0, None])


def test_the_newest_rate_converts_and_what_the_price_was_is_kept():
    done = Conversion("EUR", "EUR", RATES).apply(PRICES, CELLS)
    assert done.price.to_list() == [5.0, 8.0, 3.6, 7.0, 3.0, None]
    assert done.original_price.to_list() == [None, 10.0, 3.0, None, None, None]
    assert done.original_currency.to_list() == ["", "USD", "GBP", "", "", ""]
    assert done.why.to_list()[:4] == [None] * 4
    assert "none for CHF" in done.why[4]
    assert done.why[5] is None


def test_with_a_date_the_rate_of_that_day_counts_and_before_the_first_there_is_none():
    days = pl.Series(["", "2026-01-20", "2026-03-05 10:00", "", "", ""])
    done = Conversion("EUR", "EUR", RATES).apply(PRICES, CELLS, None, days)
    assert done.price.to_list()[:3] == [5.0, 9.0, 3.6]
    early = Conversion("EUR", "EUR", RATES).apply(PRICES, CELLS, None, pl.Series(["2025-12-31"] * 6))
    assert "on that day" in early.why[1]


def test_without_rates_other_currencies_are_reasons():
    done = Conversion("USD", "USD").apply(PRICES, CELLS)
    assert done.why.to_list() == [
        "price '5 €' is in EUR, and the table is in USD",
        None,
        "price '£3' is in GBP, and the table is in USD",
        None,
        "price 'CHF 3' is in CHF, and the table is in USD",
        None,
    ]


def test_a_column_of_currencies_says_more_than_a_sign_that_several_have():
    named = pl.Series(["EUR", "CAD", "GBP", "usd", "groats", ""])
    done = Conversion("CAD", "CAD").apply(PRICES, CELLS, named)
    assert [bool(why) for why in done.why] == [True, False, True, True, True, False]
    assert "groats" in done.why[4]
    clash = Conversion("EUR", "EUR").apply(pl.Series([5.0]), pl.Series(["$5"]), pl.Series(["EUR"]))
    assert "names another currency" in clash.why[0]


@pytest.mark.parametrize("currency", ["AUD", "CAD"])
def test_a_sign_means_the_currency_that_a_person_said(currency):
    assert Conversion(currency, currency).apply(PRICES[1:2], CELLS[1:2]).why.to_list() == [None]


def test_where_nobody_said_the_currency_what_is_marked_otherwise_stands_out():
    done = Conversion("", "").apply(PRICES, CELLS)
    assert "the others say no currency" in done.why[0]
    assert done.why[3] is None


@given(st.lists(st.tuples(st.floats(0.01, 1e6), st.sampled_from(["", "€", "$", "CHF", "kr", "zł", "x"])), min_size=1))
def test_every_row_has_its_price_or_a_reason_whatever_stands_there(rows):
    price = pl.Series([value for value, _ in rows])
    cells = pl.Series([f"{value} {mark}" for value, mark in rows])
    done = Conversion("EUR", "EUR", RATES).apply(price, cells)
    for (value, mark), now, before, code, why in zip(
        rows, done.price, done.original_price, done.original_currency, done.why, strict=True
    ):
        if mark in ("", "€", "x"):
            assert (now, before, code, why) == (value, None, "", None)
        elif mark == "$":
            assert (now, before, code, why) == (pytest.approx(value * 0.8, abs=0.006), value, "USD", None)
        else:
            assert why
