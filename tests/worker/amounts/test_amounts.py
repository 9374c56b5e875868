"""Amounts are written with the digits and units they need, wherever they stand."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.money import dollars
from worker import amounts

__all__ = ["dollars"]

AMOUNTS = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) >= amounts.SMALLEST)


@given(AMOUNTS, st.integers(1, 2))
def test_what_is_not_nothing_never_looks_like_nothing_and_is_near_what_it_is(value, places):
    said = amounts.usd(value, places)
    read = float(said.replace("$", "").replace(",", ""))
    assert (read == 0) == (value == 0)
    assert read == pytest.approx(value, rel=0.06)
    assert "e" not in said


@given(st.lists(AMOUNTS.map(abs), min_size=1))
def test_a_column_and_a_tooltip_show_two_digits_of_the_smallest_of_them(values):
    digits = amounts.decimals(values)
    smallest = min((value for value in values if value > 0), default=1.0)
    assert float(f"{smallest:.{digits}f}") == pytest.approx(smallest, rel=0.06)
    assert re.fullmatch(r"dollar|\$%\.\d+f", amounts.column_format(values))
    assert re.fullmatch(r"\$,\.\d+~?f", amounts.chart_format(values))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.006, "$0.0060"),
        (-5, "-$5.00"),
        (-0.004, "-$0.0040"),
        (1234.5, "$1,234"),
        (4_500_000, "$4,500,000"),
        (0, "$0"),
    ],
)
def test_examples(value, said):
    assert amounts.usd(value) == said


def test_a_table_of_usual_prices_looks_as_it_did():
    usual = [0.55, 12.0, None, float("nan"), 999.0]
    assert (amounts.column_format(usual), amounts.chart_format(usual)) == ("dollar", "$,.2f")
    assert amounts.axis_format([0.0, 120.0]) == amounts.axis_format([20.0, 900.0], ticks=None) == "$,.0f"
    assert amounts.column_format([]) == "dollar"


def test_ticks_of_small_prices_differ_from_each_other():
    assert amounts.axis_format([0.0, 0.006]) == "$,.4~f"
    assert amounts.axis_format([0.004, 0.5], ticks=None) == "$,.4~f"


@pytest.mark.parametrize(
    ("names", "text"), [(["A"], "A"), (["A", "B"], "A or B"), (["A", "B", "C", "D"], "A, B, C or D")]
)
def test_no_name_of_a_list_is_lost(names: list[str], text: str) -> None:
    assert amounts.listed(names, "or") == text


@given(st.floats(0, 1e7))
def test_a_duration_names_at_most_two_units_and_never_sixty_of_one(seconds: float) -> None:
    said = amounts.duration(seconds)
    assert len(said.split()) in (2, 3, 4)
    assert "60" not in said.split() or said == "60 ms"  # of which a thousand make a second


@given(st.integers(0, 10**13))
def test_bytes_are_never_a_thousand_of_a_unit_below_the_largest(number: int) -> None:
    amount, unit = amounts.size(number).split()
    assert unit in ("kB", "MB", "GB")
    assert unit == "GB" or float(amount) <= 1000
