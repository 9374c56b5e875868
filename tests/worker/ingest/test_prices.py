"""A price cell is one number or a reason, the same one by one and column by column."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.ingest import price_column, prices

GLYPHS = list("0123456789.,-' $€()kzł%e+\u00a0\u202f–Rs")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.sampled_from(GLYPHS), max_size=12), min_size=1, max_size=30), st.sampled_from(".,"))
def test_column_and_cell_agree_on_anything(cells: list[str], decimal: str) -> None:
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
        (["1.234", "2.500"], ","),
        (["1,234", "2,500"], "."),
        (["1,234,567"], "."),
        (["1.234.567"], ","),
        (["1 234,5"], ","),
        (["12", "13"], "."),
        (["call", ""], "."),
        (["0,123"], ","),
    ],
)
def test_decimal_sign_is_decided_by_the_column(cells: list[str], decimal: str) -> None:
    assert prices.decimal_of(cells) == decimal


def test_a_cell_that_can_be_read_in_one_way_only_needs_no_column() -> None:
    for decimal in ".,":
        assert prices.parse("1.299,00", decimal) == (1299.0, "")
        assert prices.parse("1,299.00", decimal) == (1299.0, "")
        assert prices.parse("12,5", decimal) == (12.5, "")
