"""Sides by a column or by date: what is read, what is not, what is torn apart, and what is never touched."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.types import Split
from worker.ingest import column_synonyms, columns, dates, own_split, side_values

NAMES = [str(Split.TRAIN), str(Split.VALIDATION), str(Split.TEST)]


@pytest.mark.parametrize(
    ("cell", "side"),
    [
        ("train", "train"), ("TRAINING", "train"), ("Train set", "train"), ("val", "validation"), ("dev", "validation"),
        ("Validation-Set", "validation"), ("test", "test"), ("hold-out", "test"), ("holdout", "test"),
        ("Eval (20%)", "test"), ("test_data", "test"), ("", None), ("0", None), ("1", None), ("fold 3", None),
        ("train/test", None), ("tests2", None), ("train test", None), ("set", None), ("traintest", None),
    ],
)  # fmt: skip
def test_a_side_is_read_and_never_guessed(cell: str, side: str | None) -> None:
    assert side_values.side_of(cell) == side


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=20) | st.sampled_from(["train", " Test ", "dev", "n/a"]), max_size=30))
def test_wild_sides_are_read_as_one_cell_is_or_have_a_reason(cells: list[str]) -> None:
    sides, why = side_values.column(pl.Series(cells, dtype=pl.String))
    assert sides.to_list() == [side_values.side_of(cell.strip()) for cell in cells]
    assert (sides.is_null() == why.is_not_null()).all()


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2024-05-31", "2024-05-31"), ("31.12.2024", "2024-12-31"), ("12/31/2024", "2024-12-31"),
        ("5/5/2024", "2024-05-05"),
        ("31 May 2024", "2024-05-31"), ("May 31st, 2024", "2024-05-31"), ("2024-05-31T23:59:59Z", "2024-05-31"),
        ("Fri, 31 May 2024 10:00:00 GMT", "2024-05-31"), ("20240531", "2024-05-31"), ("2024-05", "2024-05-01"),
        ("2024", "2024-01-01"), ("3/4/2024", None), ("31/12/24", None), ("2024-02-30", None), ("30/30/2024", None),
        ("9999-12-31", None), ("0001-01-01", None), ("soon", None), ("12.50", None), ("", None), ("n/a", None),
    ],
)  # fmt: skip
def test_a_date_is_read_and_never_guessed(cell: str, day: str | None) -> None:
    found, why = dates.parse(cell, None)
    assert found == (date.fromisoformat(day) if day else None)
    assert bool(why) == (day is None and cell not in ("", "n/a"))


_DAYS = st.dates(date(1880, 1, 1), date(2120, 1, 1))
_SPELT = st.builds(
    lambda day, form: day.strftime(form),
    _DAYS,
    st.sampled_from(
        ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y", "%m/%d/%Y", "%d %B %Y", "%d/%m/%y"]
    ),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(_SPELT | st.text(max_size=25), max_size=30), st.sampled_from([None, "day", "month"]))
def test_a_column_of_wild_dates_reads_as_its_cells_do(cells: list[str], order: dates.Order | None) -> None:
    days, why = dates.column(pl.Series(cells, dtype=pl.String), order)
    one_by_one = [dates.parse(cell, order) for cell in cells]
    assert days.to_list() == [day for day, _ in one_by_one]
    assert why.to_list() == [reason or None for _, reason in one_by_one]
    assert all(dates.EARLIEST <= day <= dates.LATEST for day in days if day)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(_DAYS.filter(lambda d: 1900 <= d.year <= 2100), min_size=1, max_size=40), st.sampled_from(["day", "month"])
)
def test_a_column_tells_its_order_or_nothing_is_read_in_two_ways(days: list[date], order: dates.Order) -> None:
    cells = [day.strftime("%d/%m/%Y" if order == "day" else "%m/%d/%Y") for day in days]
    told = dates.order_of(cells)
    assert told in (order, None)
    if told:
        assert [dates.parse(cell, told)[0] for cell in cells] == days
    else:
        assert all(dates.parse(cell, None)[0] in (day, None) for cell, day in zip(cells, days, strict=True))
        assert bool(dates.open_cell(cells)) == any(day.day != day.month for day in days)


def test_a_column_that_tells_both_orders_tells_none() -> None:
    assert dates.order_of(["31/12/2024", "12/31/2024", "3/4/2024"]) is None
    assert dates.readings("3/4/2024") == (
        "with the day first '3/4/2024' is 03 April 2024, with the month first it is 04 March 2024"
    )


_TABLE = st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.sampled_from(NAMES)), max_size=150)


@settings(max_examples=200, deadline=None)
@given(_TABLE)
def test_what_a_column_says_stands_but_for_a_validation_side_cut_from_train(
    rows: list[tuple[int, bool, str]],
) -> None:
    groups = np.array([g for g, _, _ in rows], dtype=np.int64)
    priced = np.array([p for _, p, _ in rows], dtype=bool)
    said = np.array([s for _, _, s in rows], dtype="U10")
    made = own_split.by_column(said, groups, priced, 7)
    assert (made.sides[~priced] == Split.UNPRICED).all()
    changed = priced & (made.sides != said)
    assert made.validation_cut == changed.sum()
    assert (said[changed] == Split.TRAIN).all()
    assert (made.sides[changed] == Split.VALIDATION).all()
    if changed.any():
        assert not (said[priced] == Split.VALIDATION).any()
        assert (said[priced] == Split.TEST).any()
        assert not set(groups[changed]) & set(groups[made.sides == str(Split.TRAIN)]), "cut by whole groups"


def test_about_a_ninth_of_the_train_side_becomes_validation_where_there_is_none() -> None:
    said = np.array(["train"] * 900 + ["test"] * 100, dtype="U10")
    made = own_split.by_column(said, np.arange(1000), np.ones(1000, dtype=bool), 7)
    assert made.validation_cut == pytest.approx(100, abs=2)
    assert (made.sides[900:] == "test").all()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(18_000, 18_060), st.booleans()), max_size=200),
    st.none() | st.integers(17_990, 18_070),
)
def test_by_date_what_teaches_is_earlier_than_what_tests(rows: list[tuple[int, bool]], test_from: int | None) -> None:
    days = np.array([d for d, _ in rows], dtype=np.int64)
    priced = np.array([p for _, p in rows], dtype=bool)
    made = own_split.by_date(days, np.arange(len(rows)), priced, 7, test_from)
    assert (made.sides[~priced] == Split.UNPRICED).all()
    of = {side: days[made.sides == side] for side in NAMES}
    for earlier, later in (("train", "test"), ("validation", "test")):
        assert of[earlier].max(initial=-1) < of[later].min(initial=10**9)
    if not made.validation_cut:
        assert of["train"].max(initial=-1) < of["validation"].min(initial=10**9)
    if test_from is not None:
        assert (made.sides[priced & (days >= test_from)] == Split.TEST).all()
    elif len(set(days[priced])) > 1:
        assert len(of["test"])


def test_shares_by_date_come_out_as_usual_and_days_stay_whole() -> None:
    days = np.random.default_rng(1).integers(18_000, 18_365, 5000)
    made = own_split.by_date(days, np.arange(5000), np.ones(5000, dtype=bool), 7)
    assert [np.mean(made.sides == side) for side in NAMES] == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    assert all(len(set(made.sides[days == day])) == 1 for day in set(days))


def test_torn_groups_are_counted_and_so_are_the_test_rows_in_them() -> None:
    groups = np.array([0, 0, 0, 1, 1, 2, 2, 3])
    sides = np.array(["train", "test", "test", "train", "validation", "train", "unpriced", "test"], dtype="U10")
    assert own_split.torn(sides, groups) == own_split.Torn(2, 2)
    assert own_split.torn(np.empty(0, dtype="U10"), np.empty(0, dtype=np.int64)) == own_split.Torn(0, 0)


def test_a_column_of_sides_is_proposed_by_header_and_values_and_a_date_by_nobody() -> None:
    rows = [
        [f"Lamp model {i}", f"{i}.50", "train" if i % 5 else "test", str(date(2024, 1, 1) + timedelta(i % 30))]
        for i in range(40)
    ]
    assert columns.propose(["name", "price", "split", "date"], rows).mapping == {
        "title": "name",
        "price": "price",
        "side": "split",
    }
    assert columns.propose(["name", "price", "x", "date"], rows).mapping["side"] == "x"
    numbered = [[*row[:2], str(i % 5), row[3]] for i, row in enumerate(rows)]
    assert "side" not in columns.propose(["name", "price", "split", "date"], numbered).mapping
    one = [[*row[:2], "train", row[3]] for row in rows]
    assert "side" not in columns.propose(["name", "price", "kind", "date"], one).mapping, "a catalogue of trains"
    assert column_synonyms.score("split", "side")
