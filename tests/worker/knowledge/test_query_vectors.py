"""A row that looks for similar items is embedded once, whoever asks for it next."""

import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, query_vectors
from db.engine import begin
from db.types import Split
from tests.builders import a_catalogue, a_dataset
from tests.worker.hashed import HashedWords
from tests.worker.sources.conftest import a_table
from worker.knowledge import index
from worker.progress import Silent


class Counted(HashedWords):
    """An embedder that says how many texts it was given."""

    count = 0

    def embed(self, texts, progress):
        self.count += len(texts)
        return super().embed(texts, progress)


@pytest.fixture
def model(database: str, monkeypatch: pytest.MonkeyPatch) -> Counted:
    model = Counted(dims=32)
    monkeypatch.setattr(index, "embedder", lambda: model)
    return model


@pytest.fixture
def tables(model: Counted) -> tuple[int, int]:
    """A source with a knowledge base, and another table."""
    with begin() as session:
        source_id = a_dataset(session, 100, name="source")
        other = a_catalogue(30, seed=4).with_columns(price=pl.lit(None, pl.Float64))
        table_id = a_table(session, other, name="new")
        train = datasets.items(session, source_id, Split.TRAIN)
    index.PgIndex(source_id).build(train, Silent())
    model.count = 0
    return source_id, table_id


def items_of(dataset_id: int, side: Split | None = None) -> pl.DataFrame:
    with begin() as session:
        return datasets.items(session, dataset_id, side)


def test_rows_of_another_table_are_embedded_once_and_find_the_same(model, tables):
    source_id, table_id = tables
    items = items_of(table_id)
    first = index.PgIndex(source_id, asking_id=table_id).nearest(items, 5).drop("age_days")
    assert model.count == 30
    again = index.PgIndex(source_id, asking_id=table_id)
    assert again.nearest(items, 5).drop("age_days").equals(first)
    again.vectors(items.head(7), Silent())
    assert model.count == 30
    alone = model.embed(index.texts_of(items), Silent())
    assert abs(again.vectors(items, Silent()) - alone).max() < 1e-3


def test_rows_of_the_same_number_in_two_tables_are_not_mixed_up(model, tables):
    source_id, table_id = tables
    test = items_of(source_id, Split.TEST)
    index.PgIndex(source_id).vectors(test, Silent())
    assert model.count == len(test)
    index.PgIndex(source_id, asking_id=table_id).vectors(items_of(table_id), Silent())
    assert model.count == len(test) + 30
    index.PgIndex(source_id).vectors(test, Silent())
    assert model.count == len(test) + 30


def test_a_changed_text_or_another_model_is_embedded_anew(model, tables, monkeypatch):
    source_id, table_id = tables
    items = items_of(table_id)
    asking = index.PgIndex(source_id, asking_id=table_id)
    asking.vectors(items, Silent())
    asking.vectors(items.with_columns(title=pl.format("{} XL", "title")), Silent())
    assert model.count == 60
    monkeypatch.setattr(Counted, "signature", "another", raising=False)
    asking.vectors(items, Silent())
    assert model.count == 90


def test_what_is_kept_is_bounded_and_goes_with_the_table(model, tables, monkeypatch):
    source_id, table_id = tables
    monkeypatch.setattr(query_vectors, "MOST", 20)
    asking = index.PgIndex(source_id, asking_id=table_id)
    items = items_of(table_id)
    planted = items.head(2).with_columns(row=-1 - pl.col("row"))  # no rows of the table
    asking.vectors(pl.concat([items, planted]), Silent())
    with begin() as session:
        assert query_vectors.count(session, table_id, model.signature) == 20
        datasets.drop(session, table_id)
        assert session.scalar(text("SELECT count(*) FROM query_vectors")) == 0
