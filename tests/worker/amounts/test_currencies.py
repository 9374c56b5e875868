"""Signs, codes and headers say a currency; prices are written with its decimals and read back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UserError
from worker import amounts
from worker.amounts import Money, currencies
from worker.amounts.currencies import CURRENCIES, find
from worker.ingest import prices


@pytest.mark.parametrize(
    ("header", "cells", "code", "others"),
    [
        ("Preis (EUR)", ["12,50"], "EUR", ()),
        ("price_usd", ["12.50"], "USD", ()),
        ("priceEUR", ["1"], "EUR", ()),
        ("Prix €", ["3"], "EUR", ()),
        ("Preço (R$)", ["5"], "BRL", ()),
        ("price", ["1.234,50 €", "7 EUR"], "EUR", ()),
        ("price", ["£5"], "GBP", ()),
        ("cena", ["12,50 zł"], "PLN", ()),
        ("price", ["CA$5"], "CAD", ()),
        ("price", ["$5 CAD", "$7"], "CAD", ()),
        ("price", ["12", "13.50"], "", ()),
        ("price", ["¥500"], "JPY", ("CNY",)),
        ("价格", ["¥500", "500元"], "CNY", ()),
    ],
)
def test_a_column_of_prices_says_its_currency(header, cells, code, others):
    found = find(header, cells)
    assert (found.code, found.others) == (code, others)
    assert not found.is_open


def test_a_sign_of_several_currencies_proposes_the_likeliest_and_crowns_are_asked_about():
    dollars, crowns = find("price", ["$5"]), find("pris", ["50 kr", "70 kr"])
    assert dollars.code == "USD"
    assert {"CAD", "AUD"} <= set(dollars.others)
    assert not dollars.is_open
    assert (crowns.is_open, {crowns.code, *crowns.others}) == (True, {"SEK", "NOK", "DKK", "ISK"})
    assert find("pris (DKK)", ["50 kr"]).code == "DKK"


def test_shares_tell_how_much_of_a_column_is_in_which_currency():
    assert find("p", ["€5", "7 EUR", "€1", "$6", "8"]).shares == {"EUR": 0.75, "USD": 0.25}


@given(st.text(max_size=90))
def test_any_text_can_be_asked(text):
    assert currencies.mark_in(text) in ("", *currencies.MARKS)
    assert currencies.code_in(text) in ("", *CURRENCIES)
    assert find(text, [text]).code in ("", *CURRENCIES)


@pytest.mark.parametrize("code", CURRENCIES)
def test_every_code_is_known_by_itself_in_a_cell_in_a_header_and_to_a_person(code):
    assert find("price", [f"{code} 5", f"7 {code}"]).code == find(f"price ({code})", ["5"]).code == code
    assert currencies.checked(code.lower()) == code
    with pytest.raises(UserError, match="is no currency"):
        currencies.checked("groats")


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(1, 10**9 - 1))
def test_a_price_is_written_with_the_decimals_of_its_currency_and_read_back_the_same(code, least):
    currency = CURRENCIES[code]
    price = round(least / 10**currency.decimals, currency.decimals)
    with amounts.written_in(Money(currency, currency.decimals)):
        said = amounts.price(price)
    assert said.startswith(currency.prefix)
    assert prices.parse(said, ".") == (price, "")
    assert "." not in said or len(said.partition(".")[2]) == currency.decimals


@pytest.mark.parametrize(
    ("code", "places", "value", "said"),
    [
        ("USD", 2, 0.05, "$0.05"),
        ("USD", 3, 0.355, "$0.355"),
        ("EUR", 2, 1234.5, "€1,234.50"),
        ("EUR", 2, -5, "-€5.00"),
        ("JPY", 0, 8000, "¥8,000"),
        ("JPY", 0, 532.4, "¥532"),
        ("CHF", 2, 0.004, "CHF 0.0040"),
        ("KWD", 3, 1.25, "KWD 1.250"),
        ("", 2, 12.5, "12.50"),
        ("", 2, 0, "0"),
        ("", 0, 14, "14"),
        ("", 0, 14.3, "14.30"),
        ("", 3, 14.3, "14.300"),
        ("", 0, 1234.5, "1,234"),
    ],
)
def test_examples(code, places, value, said):
    with amounts.written_in(Money(currencies.of(code), places)):
        assert amounts.price(value) == said


def test_no_dollar_is_written_that_nobody_said():
    assert amounts.price(12.5) == "12.50"
    assert "$" not in amounts.column_format([12.5])
    assert amounts.unit() == ""
    with amounts.written_in(Money(currencies.UNKNOWN, 0)):
        assert (amounts.column_format([14.0, 20.0]), amounts.column_format([14.0, 14.3])) == ("%.0f", "%.2f")
    with amounts.written_in(Money(CURRENCIES["EUR"], 2)):
        assert (amounts.unit(), amounts.column_format([12.5]), amounts.usd(3)) == (" (€)", "euro", "$3.00")
        assert amounts.column_format([0.0125]) == "€%.3f"
    with amounts.written_in(Money(CURRENCIES["JPY"], 0)):
        assert amounts.column_format([8000, -12000]) == "yen"
    assert amounts.price(12.5) == "12.50"
