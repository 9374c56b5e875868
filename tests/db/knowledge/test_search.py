"""The text of an item, the same for the database and the worker; old vectors, which survive the migration."""

import hashlib
from pathlib import Path

import polars as pl
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from db import datasets, engine
from db.engine import begin
from db.knowledge import bases, changes, product, search
from db.types import SearchLimits
from tests.builders import a_dataset
from tests.worker.hashed import HashedWords
from worker.knowledge import index
from worker.progress import Silent

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", ".", ". ", ". . "]
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(_TEXT, _TEXT, _TEXT, _TEXT), min_size=1, max_size=20))
def test_the_database_hashes_the_text_that_the_worker_embeds(session, lines):
    items = pl.DataFrame(lines, schema=["title", "brand", "category", "description"], orient="row")
    ours = [hashlib.sha256(each.encode()).hexdigest() for each in index.texts_of(items)]
    query = text(
        f"SELECT {bases.text_hash('i')} FROM unnest(CAST(:title AS text[]), CAST(:brand AS text[]), "
        "CAST(:category AS text[]), CAST(:description AS text[])) WITH ORDINALITY "
        "AS i(title, brand, category, description, place) ORDER BY place"
    )
    theirs = list(session.scalars(query, items.to_dict(as_series=False)))
    assert ours == theirs


def test_vectors_of_an_earlier_version_are_moved_and_not_embedded_again(database, monkeypatch):
    config = Config()
    config.set_main_option("script_location", str(Path(engine.__file__).parent / "migrations"))
    command.downgrade(config, "0001")
    with engine.engine().begin() as connection:
        connection.execute(
            text("INSERT INTO datasets (name, state, file_sha256, file_name) VALUES ('d', 'ready', '0', 'd.csv')")
        )
        for row, split in enumerate(("train", "train", "test")):
            connection.execute(
                text(
                    "INSERT INTO items (dataset_id, row, line, external_id, title, description, category, brand, "
                    "price, split, group_id) VALUES (1, :row, 1, :id, :title, '', '', '', 5, :split, 1)"
                ),
                {"row": row, "id": f"a{row}", "title": f"Thing {row}", "split": split},
            )
        for signature, rows in (("old", [0]), ("new", [0, 1])):
            for row in rows:
                digest = hashlib.sha256(f"Thing {row}. ".encode()).hexdigest()
                connection.execute(
                    text("INSERT INTO vectors VALUES (1, :signature, :row, :hash, '[1,0]')"),
                    {"signature": signature, "row": row, "hash": digest},
                )
    command.upgrade(config, "head")
    with begin() as session:
        base = bases.of(session, 1)
        moved = search.vectors(session, base, [0, 1, 2])
        assert base.signature == "new"
        assert moved["row"].sort().to_list() == [0, 1]
        assert bases.waiting(session, 1) == 0

    class Refusing:
        dims, signature = 2, "new"

        def embed(self, texts, progress):
            assert not texts
            raise AssertionError("nothing is to be embedded")

    monkeypatch.setattr(index, "embedder", Refusing)
    index.PgIndex(1).build(pl.DataFrame(), Silent())
    command.downgrade(config, "0001")
    with engine.engine().begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM vectors")) == 2


def test_an_index_is_made_for_a_large_base_and_filters_stay_complete(session, monkeypatch):
    monkeypatch.setattr(search, "EXACT_UP_TO", 150)
    dataset_id = a_dataset(session, 1_000)
    base = bases.ensure(session, dataset_id, "test")
    model = HashedWords(dims=32)
    changes.sync(session, base)
    waiting = bases.to_embed(session, base.id, bases.stale(session, base.id))
    vectors = model.embed(waiting["text"].to_list(), Silent())
    listed = pl.Series(vectors.tolist(), dtype=pl.List(pl.Float32))
    assert bases.put_vectors(session, base.id, "other", waiting.select("id", "text_hash", embedding=listed)) == 0
    assert bases.put_vectors(session, base.id, "test", waiting.select("id", "text_hash", embedding=listed)) == 800
    queries = pl.DataFrame(
        {"row": [-1, -2], "category": ["Lamps", "Tools"], "embedding": vectors[:2].tolist()},
        schema_overrides={"embedding": pl.List(pl.Float32)},
    )
    exact = search.nearest(session, base, 32, queries, 10)
    assert search.ensure_index(session, base, 32)
    by_index = search.nearest(session, base, 32, queries, 10)
    assert len(by_index) == 20
    assert (exact["similarity"] - by_index["similarity"]).max() < 0.05
    with monkeypatch.context() as patched:  # a whole table that asks gets the exact answer in spite of the index
        patched.setattr(product, "FEWEST_INDEXED", 2)
        at_once = search.nearest(session, base, 32, queries, 10)
        patched.setattr(product, "MOST", 799)
        assert not product.is_small(session, base)
        patched.setattr(product, "MOST", 800)
        assert product.is_small(session, base)
    assert at_once["similarity"].to_list() == pytest.approx(exact["similarity"].to_list(), abs=1e-3)
    session.execute(
        text("UPDATE knowledge_items SET category = 'Rare' WHERE base_id = :b AND row % 40 = 0"), {"b": base.id}
    )
    asking = queries.with_columns(category=pl.lit("Rare"))
    rare = search.nearest(session, base, 32, asking, 20, SearchLimits(same_category=True))
    assert len(rare) == 40
    assert bases.size_bytes(session, base.id) > 800 * 64
    bases.ensure(session, dataset_id, "another model")
    assert session.scalar(text("SELECT to_regclass(:n)"), {"n": f"ix_knowledge_items_hnsw_{base.id}"}) is None


def test_many_at_once_get_what_each_alone_gets(session, monkeypatch):
    dataset_id = a_dataset(session, 300)
    base = bases.ensure(session, dataset_id, "test")
    changes.sync(session, base)
    embed(session, base)
    model = HashedWords(dims=32)
    items = datasets.items(session, dataset_id)  # known ones among them, which are not their own neighbours
    items = pl.concat([items, items.head(3).with_columns(row=-1 - pl.col("row"))])
    vectors = model.embed(index.texts_of(items), Silent())
    asking = items.select("row", "category", embedding=pl.Series(vectors.tolist(), dtype=pl.List(pl.Float32)))

    def both():
        together = search.nearest(session, base, 32, asking, 7)
        with monkeypatch.context() as patched:
            patched.setattr(product, "FEWEST", 10_000)
            alone = search.nearest(session, base, 32, asking, 7)
        assert together["row"].to_list() == alone["row"].to_list()
        assert together["similarity"].to_list() == pytest.approx(alone["similarity"].to_list(), abs=1e-3)
        # Of equally similar ones either may stand first, or be the last.
        by_rank = pl.col("similarity").round(3)
        firm = together.filter(by_rank > by_rank.min().over("row"))
        assert firm.join(alone, on=["row", "neighbour", "price", "title", "category", "brand"], how="anti").is_empty()
        return together

    before = both()
    session.execute(text("DELETE FROM knowledge_items WHERE row < 150"))
    after = both()
    assert before.join(after, on=["row", "neighbour"], how="anti").height > 100
    session.execute(text("UPDATE knowledge_items SET title = 'Lamp', text_hash = 'new' WHERE row = 200"))
    embed(session, base)
    both()


def embed(session, base):
    waiting = bases.to_embed(session, base.id, bases.stale(session, base.id))
    vectors = HashedWords(dims=32).embed(waiting["text"].to_list(), Silent())
    listed = pl.Series(vectors.tolist(), dtype=pl.List(pl.Float32))
    bases.put_vectors(session, base.id, "test", waiting.select("id", "text_hash", embedding=listed))
