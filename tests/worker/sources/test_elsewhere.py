"""Jobs that learned from another dataset: every row priced, nothing fitted twice, what was learned used as it is."""

import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, jobs, predictions
from db.engine import Session, begin
from db.errors import NotReady, WrongState
from db.types import DatasetState, JobState, Split
from tests.builders import a_catalogue, a_dataset
from tests.worker.conftest import drain
from tests.worker.hashed import HashedWords
from worker import specs
from worker.datasets import actions as dataset_actions
from worker.knowledge import index
from worker.pricing import actions, comparison

MEMBERS = [{"technique": "ridge"}, {"technique": "neighbours"}]
LEARNING: dict[str, specs.BaseSpec] = {
    "constant": specs.ConstantSpec(),
    "ridge": specs.RidgeSpec(),
    "lightgbm": specs.parse({"technique": "lightgbm", "trees": 20}),
    "neighbours": specs.parse({"technique": "neighbours"}),
    "sparse-mlp": specs.parse({"technique": "sparse-mlp"}),
    "ensemble": specs.parse({"technique": "ensemble", "members": MEMBERS}),
    "cascade": specs.parse({"technique": "cascade", "members": MEMBERS}),
}


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> HashedWords:
    model = HashedWords()
    monkeypatch.setattr(index, "embedder", lambda: model)
    return model


def priced(dataset_id: int, spec: specs.BaseSpec, sent: list[int], source_id: int | None = None) -> pl.DataFrame:
    (job_id,) = actions.start(dataset_id, [spec], source_id=source_id)
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
        assert job.state is JobState.DONE, job.error
        assert job.learned_from == (source_id or dataset_id)
        return predictions.of_job(session, job_id)


def kept() -> list[tuple[str, str]]:
    """What fits left, and the knowledge items."""
    with begin() as session:
        fits = session.execute(text("SELECT hash, part FROM artifacts WHERE fit_seconds > 0 ORDER BY 1, 2")).all()
        known = session.execute(text("SELECT base_id::text, id::text FROM knowledge_items ORDER BY 1, 2")).all()
    return [(str(a), str(b)) for a, b in (*fits, *known)]


@pytest.mark.parametrize("name", LEARNING)
def test_what_was_learned_on_one_table_prices_every_row_of_the_next(
    database: str, sent: list[int], embedded: HashedWords, name: str
) -> None:
    with begin() as session:
        source_id = a_dataset(session, 400, name="products")
        table_id = a_dataset(session, 0, unpriced=30, name="new")
    priced(source_id, LEARNING[name], sent)
    before = kept()
    frame = priced(table_id, LEARNING[name], sent, source_id)
    assert kept() == before
    assert frame["row"].to_list() == list(range(30))
    assert frame["price"].null_count() == 0
    assert frame["price"].is_between(10, 90).all()
    assert frame["low"].null_count() == 0  # the source's calibration
    with begin() as session:
        (job,) = jobs.all(session, table_id)
        assert job.source_fingerprint == datasets.fingerprint(datasets.get(session, source_id))


def test_rows_of_every_side_are_priced_and_the_job_is_another_one(
    database: str, sent: list[int], embedded: HashedWords
) -> None:
    with begin() as session:
        source_id, table_id = a_dataset(session, 400), a_dataset(session, 40, unpriced=5)
    own = priced(table_id, specs.RidgeSpec(), sent)
    frame = priced(table_id, specs.RidgeSpec(), sent, source_id)
    assert len(own) == 4 + 5
    assert len(frame) == 45
    with begin() as session:
        assert len(jobs.all(session, table_id)) == 2
    assert actions.start(table_id, [specs.RidgeSpec()], source_id=source_id) != actions.start(
        table_id, [specs.RidgeSpec()]
    )


def test_a_source_in_use_is_not_deleted(database: str, sent: list[int]) -> None:
    with begin() as session:
        source_id, table_id = a_dataset(session, 100, name="products"), a_dataset(session, 0, unpriced=5, name="new")
    priced(table_id, specs.ConstantSpec(), sent, source_id)
    with pytest.raises(WrongState, match=r"products can't be deleted: job \d+ on new learned from it"):
        dataset_actions.delete_dataset(source_id)
    dataset_actions.delete_dataset(table_id)
    dataset_actions.delete_dataset(source_id)


def test_a_source_without_prices_is_refused(database: str, sent: list[int]) -> None:
    with begin() as session:
        source_id, table_id = a_dataset(session, 0, unpriced=5, name="empty"), a_dataset(session, 0, unpriced=5)
    with pytest.raises(NotReady, match="Nothing can be learned from empty"):
        actions.start(table_id, [specs.ConstantSpec()], source_id=source_id)


def test_several_datasets_are_learned_from_together(database: str, sent: list[int]) -> None:
    with begin() as session:
        parts = [a_dataset(session, 100, name="one"), a_dataset(session, 100, name="two", scale=3)]
        table_id = a_dataset(session, 0, unpriced=10)
    joined = dataset_actions.join(parts)
    drain(sent)
    assert dataset_actions.join(list(reversed(parts))) == joined
    with begin() as session:
        dataset = datasets.get(session, joined)
        frame = datasets.items(session, joined, details=True)
    assert (dataset.name, dataset.items, dataset.joined_from) == ("one + two", 200, tuple(parts))
    # The tables have the same products: each stands on one side.
    assert frame.group_by("title").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(dataset.splits) == set(Split)
    assert priced(table_id, specs.ConstantSpec(), sent, joined)["price"].null_count() == 0
    with pytest.raises(WrongState, match="one can't be deleted: one \\+ two"):
        dataset_actions.delete_dataset(parts[0])


def a_table(session: Session, frame: pl.DataFrame, *, name: str = "new") -> int:
    """A ready dataset with these rows (title, description, category, brand, price), all unpriced or all on test."""
    side = Split.UNPRICED if frame["price"].null_count() else Split.TEST
    dataset_id = datasets.create(session, name=name, sha256="1" * 64, file_name=f"{name}.csv")
    row = pl.int_range(len(frame))
    filled = {"line": row + 2, "external_id": pl.lit(""), "split": pl.lit(str(side)), "group_id": row}
    datasets.add_items(session, dataset_id, frame.with_columns(row=row, **filled))
    splits = {str(each): 0 for each in Split} | {str(side): len(frame)}
    datasets.change(session, dataset_id, state=DatasetState.READY, items=len(frame), rows_in=len(frame), splits=splits)
    return dataset_id


def sentences(dataset_id: int) -> list[str]:
    with begin() as session:
        job_ids = [job.id for job in jobs.all(session, dataset_id)]
    return [each for each in comparison.unlike(job_ids) if "told apart" not in each]


def test_what_the_source_never_had_and_copies_of_its_rows_are_told(database: str, sent: list[int]) -> None:
    fresh = a_catalogue(50, seed=9).with_columns(
        title=pl.format("{} quite another thing number {}", "title", pl.col("row") * 7919),
        description=pl.format("wholly new text {} about {}", pl.col("row") * 104729, pl.col("row") * 15485863),
        category=pl.when(pl.col("row") < 3).then(pl.lit("Boats")).otherwise("category"),
        brand=pl.when(pl.col("row") < 1).then(pl.lit("Novo")).otherwise("brand"),
    )
    with begin() as session:
        source_id = a_dataset(session, 400, name="products")
        table_id = a_table(
            session, pl.concat([fresh, a_catalogue(400)[:4]]).with_columns(price=pl.lit(None, pl.Float64))
        )
    priced(table_id, specs.ConstantSpec(), sent, source_id)
    said = sentences(table_id)
    assert said[:2] == [
        "3 rows of 54 have a category that the rows learned from in products never had: Boats (3).",
        "1 row of 54 has a brand that the rows learned from in products never had: Novo (1).",
    ]
    assert said[2].startswith(
        "4 rows of 54 are copies or near-copies of rows of products with a known price (4 the same"
    )
    assert len(said) == 3  # no prices, so nothing to hold the promise against
    priced(table_id, specs.RidgeSpec(), sent, source_id)
    assert sentences(table_id) == said  # said once for both


def test_real_prices_are_held_against_what_the_source_promised(database: str, sent: list[int]) -> None:
    dearer = a_catalogue(400, seed=3).with_columns(
        price=pl.col("price") + 60,
        title=pl.format("{} in another shop {}", "title", pl.col("row") * 7919),
        description=pl.format("told anew {}", pl.col("row") * 104729),
    )
    with begin() as session:
        source_id, table_id = a_dataset(session, 400, name="products"), a_table(session, dearer)
    priced(table_id, specs.ConstantSpec(), sent, source_id)
    near, first = sentences(table_id)
    assert "the comparison with what was promised leaves them out" in near  # one that is alike by accident
    assert "Category median, job 1: mean error $6" in first
    assert "on 399 rows with a price" in first
    assert "on 40 validation rows of products: worse than promised by $47.20 ($4" in first
    actions.start(source_id, [specs.ConstantSpec()], Split.TEST)
    drain(sent)
    other = a_dataset_like(table_id)
    priced(other, specs.ConstantSpec(), sent, source_id)
    assert "on 40 test rows of products: worse than promised by $" in sentences(other)[-1]


def a_dataset_like(table_id: int) -> int:
    with begin() as session:
        return a_table(session, datasets.items(session, table_id), name="again")
