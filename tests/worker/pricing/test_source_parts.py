"""What is computed of a source is computed for the first table only, and says the same of the next one."""

import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, jobs, results
from db.engine import begin
from db.types import Split
from tests.builders import a_catalogue, a_dataset
from tests.worker.sources.conftest import a_table, priced
from worker import specs
from worker.evaluation import leakage, support
from worker.pricing import elsewhere, lists, source_prices, source_texts

pytestmark = pytest.mark.slow  # whole jobs


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was computed of a source, each time; the real functions do it."""
    calls: list[str] = []
    texts_of, of = leakage.Known.of, support.Known.of

    def counted_texts(*args: object) -> leakage.Known:
        calls.append("texts")
        return texts_of(*args)  # type: ignore[arg-type]

    def counted_of(train: pl.DataFrame) -> support.Known:
        calls.append("prices")
        return of(train)

    monkeypatch.setattr(leakage.Known, "of", counted_texts)
    monkeypatch.setattr(support.Known, "of", counted_of)
    return calls


def a_new_table(seed: int) -> int:
    """Rows that the source does not have, and three that it has."""
    rows = pl.concat([a_catalogue(40, seed=seed), a_catalogue(400)[:3]])
    with begin() as session:
        return a_table(session, rows.with_columns(price=pl.lit(None, pl.Float64)), name=f"new {seed}")


def said_of(table_id: int) -> tuple[object, pl.DataFrame]:
    with begin() as session:
        (job,) = jobs.all(session, table_id)
        told = (results.get(session, job.id) or {})[elsewhere.RESULT]
    return told, lists.with_support(job.id, pl.DataFrame({"row": range(43)}))


def test_a_second_table_computes_nothing_of_the_source_and_is_told_the_same(
    database: str, sent: list[int], computed: list[str]
) -> None:
    with begin() as session:
        source_id = a_dataset(session, 400, name="products")
    first, second, third = (a_new_table(seed) for seed in (8, 9, 9))
    priced(first, specs.ConstantSpec(), sent, source_id)
    assert sorted(computed) == ["prices", "texts"]
    priced(second, specs.ConstantSpec(), sent, source_id)
    assert sorted(computed) == ["prices", "texts"]
    with begin() as session:  # what was kept is lost, and with it what is known of the same table
        session.execute(
            text("DELETE FROM artifacts WHERE part IN ('copies.safetensors', 'planted.json', 'known.safetensors')")
        )
        session.execute(text("DELETE FROM artifacts WHERE part IN ('values.json', 'words.json', 'found.json')"))
    priced(third, specs.ConstantSpec(), sent, source_id)
    assert sorted(computed) == ["prices", "prices", "texts", "texts"]
    kept, anew = said_of(second), said_of(third)
    assert kept[0] == anew[0]
    assert kept[1].equals(anew[1])


def test_what_was_kept_goes_with_its_source(database: str, computed: list[str]) -> None:
    with begin() as session:
        ids = [a_dataset(session, 50, name=name) for name in ("one", "two")]
        one, two = (datasets.get(session, each) for each in ids)
    source_texts.of(one)
    source_texts.of(one)
    source_texts.of(two)
    assert computed == ["texts", "texts"]
    with begin() as session:
        datasets.drop(session, one.id)
        left = session.execute(text("SELECT DISTINCT dataset_id FROM artifacts")).scalars().all()
    assert left == [two.id]


def test_a_source_without_train_rows_says_nothing(database: str) -> None:
    with begin() as session:
        source = datasets.get(session, a_dataset(session, 0, unpriced=3))
        table = datasets.items(session, source.id, Split.UNPRICED)
    for _ in range(2):
        assert source_texts.of(source).items.copies(table).is_empty()
        assert source_prices.of(source).words.is_empty()


def test_a_very_large_source_is_not_kept(database: str, computed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_texts, "_MOST", 30)
    with begin() as session:
        source = datasets.get(session, a_dataset(session, 60))
    assert len(source_texts.of(source).items.texts) == len(source_texts.of(source).items.texts)
    assert computed == ["texts", "texts"]
