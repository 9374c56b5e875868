"""`pricewright leakage …` says what may have been seen, and what the errors are without it."""

import json

import pytest

from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.priced import a_priced_dataset


@pytest.fixture
def run(command):
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id)
    return command


def test_it_prints_counts_pairs_and_figures(run):
    said = " ".join(run("leakage", "1").split())
    assert "may have been seen before" in said
    assert "Nothing was compared by meaning." in said
    assert "of 160 planted" in said


def test_scripts_get_json(run):
    answer = json.loads(run("leakage", "1", "--json"))
    assert {"job", "dataset", "suspects", "figures", "sentence", "kinds", "pairs"} <= set(answer)
    assert {line["n"] for line in answer["figures"]} == {20}
