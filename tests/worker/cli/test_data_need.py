"""`pricewright data-need …` from the question to the answer, with the test as the worker and prices off by a law."""

import json

import pytest

from db.engine import begin
from tests.builders import a_dataset
from worker.data_need import ways

LAWS = {"finetuned": (0.0, 0.3), "rag": (-1.0, 0.15), "neighbours": (-1.0, 0.0), "ridge": (-1.5, 0.0)}


@pytest.fixture
def run(command, monkeypatch):
    """run("data-need", "1") calls the command line on a dataset of 400 rows; returns what it prints."""

    def off_by_a_law(part, *_):
        level, slope = LAWS[part.way]
        prices = part.measured["price"].to_numpy() * (1 + 2.718**level * len(part.train) ** -slope)
        return ways.Learned(prices, len(part.train) / 4)

    for name in ("fine_tuned", "fitted"):
        monkeypatch.setattr(ways, name, off_by_a_law)
    with begin() as session:
        a_dataset(session, 400)
    return command


def test_it_prints_errors_crossings_costs_and_its_own_forecast_error(run):
    said = " ".join(run("data-need", "1", "--measured", "20", "--label-usd", "0.5").split())  # long lines are broken
    assert "Fine-tuning passes RAG near 790 rows (80 % interval " in said  # e ** (1 / 0.15)
    assert "Fine-tuning does not pass Ridge on words within 10 times your 320 rows" not in said
    assert "Up to there: $" in said
    assert "“Fine-tuning” here is one way to do it: smollm2-135m learns to say the price's quantiles" in said
    assert "“RAG” asks the same smollm2-135m as it comes" in said
    assert "How far to trust this" in said
    assert "That tests a doubling of the rows; forecasts go up to 10 times your 320 rows" in said
    assert said.count("% less than foretold") + said.count("% more than foretold") == 4


def test_scripts_get_json_and_the_same_question_the_same_job(run):
    first, second = (json.loads(run("data-need", "1", "--measured", "20", "--rows", "200", "--json")) for _ in range(2))
    assert first == second
    assert (first["rows"], first["there"]) == (200, 320)
    assert {"job", "dataset", "ways", "forecasts", "crossings"} <= set(first)
