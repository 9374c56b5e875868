"""Filters on predictions as a terminal says them, and as sentences."""

import pytest

from db.analytics import COLUMNS, EVERYTHING, Filters, Order
from db.errors import UserError
from worker.pricing import filtering


def test_every_column_has_a_name():
    assert set(filtering.LABELS) == set(COLUMNS)


def test_conditions_become_filters_and_filters_become_phrases():
    said = ["title~50% = off", "category=Lamps", "category=Tools", "price>=10", "price<=20.5", "error<=-3", "inside=no"]
    filters = filtering.parsed(said, "red lamp")
    assert filters == Filters(
        "red lamp",
        contains=(("title", "50% = off"),),
        among=(("category", ("Lamps", "Tools")),),
        between=(("price", 10.0, 20.5), ("error", None, -3.0)),
        inside=False,
    )
    assert filtering.told(filters) == [
        "with the words “red lamp”",
        "product contains “50% = off”",
        "category is Lamps or Tools",
        "price from 10 to 20.5",
        "off by to -3",
        "true price outside the interval",
    ]
    assert filtering.told(filtering.parsed(["brand="])) == ["brand is (none)"]


def test_nothing_said_asks_for_everything():
    assert filtering.parsed([]) == EVERYTHING
    assert filtering.told(EVERYTHING) == []
    assert filtering.order("-price") == Order("price", descending=True)


@pytest.mark.parametrize("said", ["price", "price~7", "title>=7", "price>=dear", "inside=maybe", "evidence~x", "a=b"])
def test_what_can_not_be_asked_is_refused(said):
    with pytest.raises(UserError, match=said):
        filtering.parsed([said])
