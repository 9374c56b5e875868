"""Versions of a dataset: what is told to have changed."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from db import datasets, price_decisions, versions
from db.types import Changes, MadeBy
from tests.builders import a_dataset


def a_table(session, lines, *, by_id=False):
    """A dataset of lines of id, title, price."""
    dataset_id = datasets.create(session, name="t", sha256="0" * 64, file_name="t.csv")
    frame = pl.DataFrame(
        lines, schema={"external_id": pl.String, "title": pl.String, "price": pl.Float64}, orient="row"
    ).with_row_index("row")
    extra = {name: pl.lit("") for name in ("description", "category", "brand")}
    filled = frame.with_columns(
        pl.col("row").cast(pl.Int64), line=pl.int_range(pl.len()), split=pl.lit("train"), group_id=pl.lit(0), **extra
    )
    datasets.add_items(session, dataset_id, filled)
    datasets.change(session, dataset_id, mapping={"title": "t"} | ({"id": "i"} if by_id else {}))
    return dataset_id


BEFORE = [("a", "Lamp", 1.0), ("b", "Mug", 2.0), ("c", "Chair", 3.0), ("d", "Cup", None)]
AFTER = [("c", "Armchair", 3.0), ("b", "Mug", 2.5), ("e", "Lamp", 1.0), ("d", "Cup", 4.0)]


def test_products_are_told_by_her_id_where_both_tables_map_one(session):
    before, after = a_table(session, BEFORE, by_id=True), a_table(session, AFTER, by_id=True)
    assert versions.changes(session, before, after) == Changes(added=1, removed=1, repriced=2, by_id=True)
    assert versions.changes(session, after, before) == Changes(added=1, removed=1, repriced=2, by_id=True)
    assert versions.changes(session, before, before) == Changes(0, 0, 0, by_id=True)


def test_else_by_title_and_description(session):
    before, after = a_table(session, BEFORE, by_id=True), a_table(session, AFTER)
    assert versions.changes(session, before, after) == Changes(added=1, removed=1, repriced=2, by_id=False)


_LINES = st.lists(st.tuples(st.sampled_from("ab"), st.just(""), st.sampled_from([None, 1.0, 2.0])), max_size=6)


@how(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_LINES, _LINES)
def test_of_rows_alike_as_many_are_the_same_as_both_have(session, before, after):
    keys = {line[0] for line in (*before, *after)}
    added = removed = repriced = 0
    for key in keys:
        old, new = (Counter(price for name, _, price in lines if name == key) for lines in (before, after))
        added += max(0, new.total() - old.total())
        removed += max(0, old.total() - new.total())
        repriced += min(old.total(), new.total()) - (old & new).total()
    ids = [a_table(session, lines, by_id=True) for lines in (before, after)]
    assert versions.changes(session, *ids) == Changes(added, removed, repriced, by_id=True)


def test_a_version_keeps_what_changed_and_how_it_was_made(session):
    parent = a_dataset(session, 20)
    price_decisions.put(session, parent, 1, "fix", 999.0)
    price_decisions.put(session, parent, 2, "drop", None)
    made = datasets.get(session, price_decisions.apply(session, parent, "curated"))
    assert (made.made_from, made.made_by) == (parent, MadeBy.DECISIONS)
    assert made.changes == Changes(added=0, removed=1, repriced=1, by_id=False)
    assert [each.id for each in versions.of(session, parent)] == [made.id]
    assert versions.of(session, parent, MadeBy.FILE) == []
    datasets.drop(session, parent)
    session.expire_all()
    left = datasets.get(session, made.id)
    assert (left.made_from, left.changes) == (None, made.changes)


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (0, 0)])
def test_a_table_without_rows_has_nothing_or_lost_everything(session, sizes):
    before, after = (a_table(session, BEFORE[:size], by_id=True) for size in sizes)
    assert versions.changes(session, before, after) == Changes(sizes[1], sizes[0], 0, by_id=True)
