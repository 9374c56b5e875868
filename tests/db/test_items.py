"""Items belong to a dataset without a foreign key: they need it, keep it while they come, and go when it goes."""

import threading

import polars as pl
import pytest
from sqlalchemy import text

from db import datasets
from db.engine import begin
from db.errors import NotFound
from tests.builders import a_dataset


def lines(n):
    texts = {name: pl.lit(f"{name} 1") for name in ("external_id", "title", "description", "category", "brand")}
    frame = pl.DataFrame({"row": range(100, 100 + n), "line": range(n)})
    return frame.with_columns(**texts, price=pl.lit(1.0), split=pl.lit("train"), group_id=pl.lit(0))


def count():
    with begin() as session:
        return session.scalar(text("SELECT count(*) FROM items"))


def test_items_of_no_dataset_are_refused(database):
    with pytest.raises(NotFound, match="no dataset 77"), begin() as session:
        datasets.add_items(session, 77, lines(2))
    assert count() == 0


def test_frames_come_one_after_the_other_and_empty_ones_are_nothing(database):
    with begin() as session:
        dataset_id = a_dataset(session)
        before = len(datasets.items(session, dataset_id))
        whole = lines(7)
        assert datasets.add_all_items(session, dataset_id, [whole[:0], whole[:3], whole[3:3], whole[3:]]) == 7
        assert datasets.items(session, dataset_id)["row"].to_list()[before:] == whole["row"].to_list()
        assert datasets.add_all_items(session, dataset_id, []) == 0


def test_a_dataset_that_is_deleted_while_items_come_takes_them_along(database):
    with begin() as session:
        dataset_id = a_dataset(session)

    def delete():
        with begin() as session:
            datasets.drop(session, dataset_id)

    deletion = threading.Thread(target=delete)
    with begin() as session:
        datasets.add_items(session, dataset_id, lines(5))
        deletion.start()
        deletion.join(0.3)
        assert deletion.is_alive()  # it waits for the rows
    deletion.join()
    assert count() == 0
