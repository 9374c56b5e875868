"""`pricewright knowledge …` from building to searching, with the test as the worker."""

import json
from functools import partial

import pytest

from db.engine import begin
from db.errors import NotReady, UserError
from tests.builders import a_dataset
from tests.worker.hashed import HashedWords
from worker.knowledge import index


@pytest.fixture
def run(command, monkeypatch):
    """run("build", "1") gives what is printed; errors are raised."""
    model = HashedWords()
    monkeypatch.setattr(index, "embedder", lambda: model)
    with begin() as session:
        a_dataset(session, 100, name="first")
        a_dataset(session, 50, name="second")
    return partial(command, "knowledge")


@pytest.mark.slow
def test_a_base_is_built_changed_searched_and_told_about(run, tmp_path):
    with pytest.raises(NotReady, match="no knowledge base yet"):
        run("status", "1")
    assert "80 added" in run("build", "first")
    file = tmp_path / "prices.csv"
    file.write_text("id,price\nid-1,500\nid-99,3\n")
    told = run("update", "1", str(file))
    assert "1 updated" in told
    assert "1 refused: the id is that of a test or validation row." in told
    found = json.loads(run("search", "1", "Lamp model size 3", "--k", "3", "--json"))
    assert len(found) == 3
    assert "similarity" in run("search", "1", "Lamp model size 3")
    assert run("remove", "1", "id-1", "id-2").strip() == "2 removed."
    told = json.loads(run("reference", "1", "second", "--json"))
    assert told["added"] + sum(told["refused"].values()) == 50
    run("schedule", "1", "--minutes", "90")
    status = json.loads(run("status", "1", "--json"))
    assert status["train_searchable"] == 78
    assert status["refresh_seconds"] == 5400
    assert "Refreshed only when somebody asks." in run("schedule", "1")
    assert "train items" in run("status", "1")


def test_a_file_without_ids_is_told_in_a_sentence(run, tmp_path):
    run("build", "1")
    file = tmp_path / "prices.csv"
    file.write_text("colour,size\nred,3\n")
    with pytest.raises(UserError, match="no column with the items' ids"):
        run("update", "1", str(file))
