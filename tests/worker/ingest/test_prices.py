"""A price cell is one number or a reason, the same one by one and column by column."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.amounts.currencies import MARKS
from worker.ingest import price_column, price_words, prices

GLYPHS = list("0123456789.,-' $€()kzł%e+\u00a0\u202f–Rs")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(st.sampled_from(GLYPHS), max_size=12), min_size=1, max_size=30), st.sampled_from([".", ",", None])
)
def test_column_and_cell_agree_on_anything(cells: list[str], decimal: prices.Decimal | None) -> None:
    values, reasons = price_column.parse(pl.Series(cells, dtype=pl.String), decimal)
    one_by_one = [prices.parse(cell, decimal) for cell in cells]
    assert values.to_list() == [value for value, _ in one_by_one]
    assert [reason or "" for reason in reasons] == [reason for _, reason in one_by_one]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 10**8), min_size=1, max_size=20),
    st.sampled_from(["{:,.2f}", "${:,.2f}", "{:,.2f} USD", "US$ {:,.2f}", "{:.2f}"]),
    st.booleans(),
)
def test_formatted_prices_are_read_back(cents: list[int], style: str, is_continental: bool) -> None:
    cells = [style.format(cent / 100) for cent in cents]
    if is_continental:
        swap = str.maketrans(".,", ",.")
        cells = [cell.translate(swap) for cell in cells]
    values, _ = price_column.parse(pl.Series(cells), prices.decimal_of(cells))
    assert values.to_list() == pytest.approx([cent / 100 for cent in cents])


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (["1.234", "12.5"], "."),
        (["1.234", "12,5"], ","),
        (["1,234", "12,5"], ","),
        (["1.234", "2.500"], None),
        (["1,234", "2,500"], None),
        (["1.294", "1.793"], None),
        (["KWD 15.202"], None),
        (["1.234", "900"], None),
        (["12.5", "3,75", "1.234"], None),
        (["1,234,567"], "."),
        (["1.234.567"], ","),
        (["1 234,5"], ","),
        (["12", "13"], None),
        (["call", ""], None),
        (["0,123"], ","),
    ],
)
def test_decimal_sign_is_what_the_column_tells_and_never_a_guess(cells: list[str], decimal: str | None) -> None:
    assert prices.decimal_of(cells) == decimal


def test_a_cell_that_can_be_read_in_one_way_only_needs_no_column() -> None:
    for decimal in (".", ",", None):
        assert prices.parse("1.299,00", decimal) == (1299.0, "")
        assert prices.parse("1,299.00", decimal) == (1299.0, "")
        assert prices.parse("12,5", decimal) == (12.5, "")


def test_a_cell_with_two_readings_is_refused_where_nobody_said_which() -> None:
    assert prices.parse("KWD 15.202", ".") == (15.202, "")
    assert prices.parse("KWD 15.202", ",") == (15202.0, "")
    price, why = prices.parse("KWD 15.202", None)
    assert price is None
    assert why == "price 'KWD 15.202' can be read in two ways; say which is the decimal sign"
    assert prices.open_cell(["12", "call", "KWD 15.202"]) == "KWD 15.202"
    told = "with a decimal point 'KWD 15.202' is 15.202, with a decimal comma it is 15202"
    assert prices.readings("KWD 15.202") == told


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), min_size=1, max_size=20))
def test_numbers_of_a_typed_file_are_themselves_whatever_sign_the_text_beside_them_has(
    thousandths: list[tuple[int, bool]],
) -> None:
    cells = [f"{n / 1000:.3f}" if is_number else f"{n},50 €" for n, is_number in thousandths]
    values, why = price_column.parse(pl.Series(cells), ",", pl.Series([is_number for _, is_number in thousandths]))
    expected = [n / 1000 if is_number else n + 0.5 for n, is_number in thousandths]
    assert values.to_list() == [value if value < 1e9 else None for value in expected]
    assert why.null_count() == sum(value < 1e9 for value in expected)


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_no_mark_of_a_currency_is_taken_for_a_word_beside_the_price(mark: str) -> None:
    for cell in (f"{mark} 12.50", f"12.50 {mark}", f"12.50 {mark.upper()}"):
        assert price_words.money_of(cell)[1] == (), cell
