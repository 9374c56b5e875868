"""`pricewright race …` from the start to the verdict, with the test as the worker."""

import json

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, predictions
from db.engine import begin
from db.errors import UserError
from db.settings import settings
from db.types import Split
from tests.builders import a_dataset
from worker.race import planning

pytestmark = pytest.mark.slow  # whole races


@pytest.fixture
def run(command):
    with begin() as session:
        a_dataset(session, 2000)
    return command


MAPPING = json.dumps({"title": "name", "weight": "count"})
BOTH = ("--technique", "ridge", "--technique", "constant")


def test_it_says_after_how_many_rows_and_dollars_it_was_decided_and_who_is_out(run):
    said = " ".join(run("race", "1", *BOTH).split())
    assert "Ridge on words is the best: each of the others is surely worse, by mean error." in said
    assert "of 200 rows, $" in said
    assert "surely worse than Ridge on words" in said
    assert "counts as that much" in said


def test_scripts_get_json_and_the_same_race_the_same_job(run):
    first, second = (json.loads(run("race", "1", *BOTH, "--json")) for _ in range(2))
    assert first == second
    assert first["ended"] == "clear"
    assert first["decided_after"] < first["rows"] == 200
    assert [racer["why"] for racer in first["racers"]] == ["", "worse"]
    assert first["best"] == first["racers"][0]["job"]


def test_the_chosen_one_can_be_finished(run):
    told = json.loads(run("race", "1", *BOTH, "--finish", "--json"))
    jobs = {job["id"]: job for job in json.loads(run("jobs", "--json"))}
    assert jobs[told["best"]]["state"] == "done"
    assert jobs[told["best"]]["items_done"] == 200


def test_a_setting_that_no_technique_has_is_refused_with_those_there_are(run):
    with pytest.raises(
        UserError, match=r"--set alpa=…: none of these techniques has such a setting; they have .*alpha"
    ):
        run("race", "1", *BOTH, "--set", "alpa=2")


def test_settings_go_to_those_that_have_them_and_members_to_combinations(run):
    words = ("race", "1", "--technique", "ridge", "--technique", "ensemble", "--set", "alpha=2", "--json")
    told = json.loads(run(*words, "--set", "members=ridge,constant"))
    assert [racer["label"] for racer in told["racers"]] == [
        "Ridge on words (alpha=2.0)",
        "Ensemble (Ridge on words + Category median)",
    ]
    with pytest.raises(UserError, match="members=…: none of these"):
        run("race", "1", *BOTH, "--set", "members=ridge,constant")


def test_a_margin_that_is_no_amount_is_refused_in_a_sentence(run, terminal):
    with pytest.raises(UserError, match=r"should look like 2% or 1\.50"):
        run("race", "1", *BOTH, "--margin", "little")


def test_a_race_is_weighted_says_so_and_is_another_one_without(run):
    with begin() as session:
        session.execute(text("UPDATE items SET weight = 1 + row % 3"))
        session.execute(text("UPDATE datasets SET mapping = CAST(:mapping AS jsonb)"), {"mapping": MAPPING})
        known = {row: weight for row, weight in session.execute(text("SELECT row, weight FROM items"))}  # noqa: C416
        rows = datasets.target_rows(session, 1, Split.TEST, None)
        first = planning.blocks(rows, datasets.groups_of(session, 1, rows))[0]
    told = json.loads(run("race", "1", *BOTH, "--json"))
    assert told["weighted_by"] == "count"
    with begin() as session:
        frame = predictions.of_jobs(session, [racer["job"] for racer in told["racers"]])
    for racer, figure in zip(told["racers"], told["rounds"][0]["figures"], strict=True):
        mine = frame.filter((pl.col("job_id") == racer["job"]) & pl.col("row").is_in(first))
        off = (mine["price"] - mine["truth"]).abs().to_numpy()
        assert figure == pytest.approx(np.average(off, weights=[known[row] for row in mine["row"]]))
    said = " ".join(run("race", "1", *BOTH).split())
    assert "by mean error weighted by count" in said
    assert "Errors are weighted by count; a race decides later" in said
    alike = json.loads(run("race", "1", *BOTH, "--unweighted", "--json"))
    assert (alike["weighted_by"], alike["job"] == told["job"]) == ("", False)
    assert "weighted" not in run("race", "1", *BOTH, "--unweighted")


def test_a_race_is_as_sure_as_comparisons_are_set(run, monkeypatch):
    monkeypatch.setenv("PRICEWRIGHT_CONFIDENCE", "0.8")
    settings.cache_clear()
    said = " ".join(run("race", "1", *BOTH).split())
    assert "80 % at any time" in said
    assert "in at most 20 % of races" in said
    sure = json.loads(run("race", "1", *BOTH, "--json"))
    monkeypatch.delenv("PRICEWRIGHT_CONFIDENCE")
    settings.cache_clear()
    usual = json.loads(run("race", "1", *BOTH, "--json"))
    assert usual["job"] != sure["job"], "another level is another race"
    (low, high), (usual_low, usual_high) = (each["rounds"][0]["gaps"][1][1:] for each in (sure, usual))
    assert usual_low < low < high < usual_high
