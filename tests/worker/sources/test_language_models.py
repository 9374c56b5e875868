"""Language models on one table with the examples, neighbours and adapter of another."""

import json
from pathlib import Path

import polars as pl
import pytest

from db import adapters, datasets
from db.engine import begin
from tests.builders import a_dataset, some_weights
from tests.worker.hashed import HashedWords
from tests.worker.llm import small
from tests.worker.sources.conftest import a_table, kept, priced
from worker import resources, specs
from worker.llm.local.weights_hash import base_hash
from worker.specs import finetune

pytestmark = pytest.mark.model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small.a_model_folder(tmp_path / "small")


@pytest.fixture
def tables(database: str) -> tuple[int, int]:
    """The source, without validation rows enough to calibrate a model, and a table of its first products, unpriced:
    they have the same numbers in both."""
    with begin() as session:
        source_id = a_dataset(session, 100, name="products")
        copied = datasets.items(session, source_id)[:6].with_columns(price=pl.lit(None, pl.Float64))
        return source_id, a_table(session, copied)


SETTINGS: list[dict[str, object]] = [
    {"technique": "multi-shot", "choose": "random", "k": 2},
    {"technique": "multi-shot", "choose": "category", "k": 2},
    {"technique": "multi-shot", "choose": "nearest", "k": 2},
    {"technique": "rag", "k": 3},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(map(str, settings.values())))
def test_examples_and_neighbours_come_from_the_source(
    tables: tuple[int, int], folder: Path, embedded: HashedWords, sent: list[int], settings: dict[str, object]
) -> None:
    source_id, table_id = tables
    spec = specs.parse({**settings, "model": str(folder)})
    priced(source_id, spec, sent)
    before = kept()
    frame = priced(table_id, spec, sent, source_id)
    assert kept() == before
    assert frame["row"].to_list() == list(range(6))
    assert set(frame["status"]) == {"ok"}
    if settings["technique"] == "rag":
        # A known product that has the number of the one that asks is not that one, and so is found.
        found = json.loads(frame["evidence"][0])["neighbours"][0]
        assert (found["title"], found["similarity"]) == (frame["title"][0], 1.0)


def test_a_fine_tuned_model_reads_the_source_s_neighbours(
    tables: tuple[int, int], folder: Path, embedded: HashedWords, sent: list[int]
) -> None:
    source_id, table_id = tables
    base = resources.LiveResources(source_id).language_model(str(folder)).network.model  # type: ignore[attr-defined]
    known = {"model": str(folder), "base": str(folder), "base_hash": base_hash(folder)}
    trained = finetune.parse({"prompt": "listing@1", "k": 2}).model_dump(mode="json")
    with begin() as session:
        made = some_weights(dataset_id=source_id, spec=trained, **known)
        adapters.register(session, made, small.an_adapter(base, 1))
    spec = specs.FinetunedSpec(adapter=made.id)
    priced(source_id, spec, sent)
    before = kept()
    frame = priced(table_id, spec, sent, source_id)
    assert kept() == before
    assert len(json.loads(frame["evidence"][0])["neighbours"]) == 2
