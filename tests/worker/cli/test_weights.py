"""A column of weights, from the file to the verdict: mapped by a person, told where rows lack one, said everywhere."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, jobs, predictions, price_decisions, results
from db.engine import begin
from db.types import JobKind, Split
from tests.builders import a_catalogue
from worker.guesses import actions as guess_actions
from worker.price_check import actions as price_check_actions
from worker.saved_verdicts import actions, facts

pytestmark = pytest.mark.slow  # whole walks


@pytest.fixture
def loaded(command: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """400 items, whose weights are 1 to 5, but for four that can't be read; priced by two techniques."""
    weights = [str(each) for each in np.random.default_rng(1).integers(1, 6, 400)]
    weights[:4] = ["", "heavy", "-2", "0"]
    weights[4] = "2.5"
    a_catalogue(400).with_columns(count=pl.Series(weights), weight=pl.lit("1.2 kg")).write_csv(tmp_path / "shop.csv")
    said = json.loads(command("load", str(tmp_path / "shop.csv"), "--map", "weight=count", "--json"))
    assert said["weights"] == {
        "column": "count",
        "note": "4 rows of 400 are without a positive number in the column count: each weighs 1.",
    }
    command("price", "1", "--technique", "constant", "--technique", "ridge", "--rows", "test")
    return command


def test_the_weights_of_rows_are_those_of_the_file_and_rows_without_one_are_no_rejects(
    loaded: Callable[..., str],
) -> None:
    with begin() as session:
        frame = predictions.of_jobs(session, [job.id for job in jobs.all(session, 1) if job.technique], weighted=True)
        plain = predictions.of_jobs(session, [job.id for job in jobs.all(session, 1) if job.technique])
        assert datasets.get(session, 1).rejects == 0
    assert "weight" not in plain.columns
    assert frame["weight"].null_count() == 0
    known = np.random.default_rng(1).integers(1, 6, 400).astype(float)
    known[:5] = [1, 1, 1, 1, 2.5]
    assert frame["weight"].to_list() == [known[row] for row in frame["row"]]


def test_comparisons_are_weighted_and_say_so_unless_somebody_wishes_otherwise(loaded: Callable[..., str]) -> None:
    assert "measures are weighted by count; costs, times and coverage are not" in loaded("compare", "1")
    assert "weighted by" not in loaded("compare", "1", "--unweighted")
    rows, alike = (
        {row["job"]: row for row in json.loads(loaded("compare", "1", "--json", *more))["rows"]}
        for more in ((), ("--unweighted",))
    )
    with begin() as session:
        frame = predictions.of_jobs(session, list(rows), weighted=True)
    for job_id, row in rows.items():
        mine = frame.filter(pl.col("job_id") == job_id)
        off = (mine["price"] - mine["truth"]).abs().to_numpy()
        assert row["mae"] == pytest.approx(np.average(off, weights=mine["weight"].to_numpy()))
        assert alike[job_id]["mae"] == pytest.approx(off.mean())
        assert (row["weighted_by"], alike[job_id]["weighted_by"]) == ("count", "")
    said = loaded("choose", "1", "--usd-below", "1000")
    assert "Mean error is weighted by count." in " ".join(said.split())
    assert "weighted" not in loaded("choose", "1", "--usd-below", "1000", "--unweighted")
    assert "named a loser" in loaded("check-verdicts", "1", "--rounds", "50")


def test_a_saved_verdict_keeps_its_weights(loaded: Callable[..., str]) -> None:
    loaded("compare", "1", "--save")
    loaded("compare", "1", "--save", "--unweighted")
    plain, weighted = actions.kept(1)
    assert facts.parse(weighted.facts).sentence.endswith("Mean error is weighted by count.")
    assert (facts.parse(weighted.facts).weighted_by, facts.parse(plain.facts).weighted_by) == ("count", "")
    assert facts.parse(weighted.facts).chosen.error != facts.parse(plain.facts).chosen.error
    assert "It holds." in loaded("recheck", "1")


def test_a_curated_version_has_the_same_weights(loaded: Callable[..., str]) -> None:
    with begin() as session:
        row = int(datasets.items(session, 1, Split.TRAIN, 1)["row"][0])
        price_decisions.put(session, 1, row, "drop", None)
        made = price_decisions.apply(session, 1, "curated")
    loaded("price", str(made), "--technique", "constant", "--rows", "test")
    assert json.loads(loaded("compare", str(made), "--json"))["rows"][0]["weighted_by"] == "count"


def test_a_column_called_weight_is_not_taken_for_one_unasked(command: Callable[..., str], tmp_path: Path) -> None:
    a_catalogue(60).with_columns(weight=pl.lit("1.2")).write_csv(tmp_path / "shop.csv")
    assert json.loads(command("load", str(tmp_path / "shop.csv"), "--json"))["weights"] == {"column": "", "note": ""}


def off(job_id: int, *, weighted: bool = True, without: Sequence[int] = ()) -> float:
    """The mean error of a job, reckoned apart from the product."""
    with begin() as session:
        mine = predictions.of_jobs(session, [job_id], weighted=True).filter(~pl.col("row").is_in(list(without)))
    errors = (mine["price"] - mine["truth"]).abs().to_numpy()
    return float(np.average(errors, weights=mine["weight"].to_numpy() if weighted else None))


def test_leaks_are_weighted_and_say_so(loaded: Callable[..., str]) -> None:
    with begin() as session:
        row = datasets.items(session, 1, Split.TEST).row(0, named=True)
        told = {"text": f"Only ${row['price']:.2f} today", "row": row["row"]}
        session.execute(text("UPDATE items SET description = :text WHERE row = :row"), told)
    for more, weighted, column in (((), True, "count"), (("--unweighted",), False, "")):
        found = json.loads(loaded("leakage", "1", "--json", *more))
        assert row["row"] in found["suspects"]
        assert found["weighted_by"] == column
        for line in found["figures"]:
            assert line["mae"] == pytest.approx(off(line["job_id"], weighted=weighted))
            assert line["mae_without"] == pytest.approx(
                off(line["job_id"], weighted=weighted, without=found["suspects"])
            )
        assert ("mean error weighted by count" in found["sentence"]) is weighted
    assert "Errors are weighted by count" in " ".join(loaded("leakage", "1").split())
    assert "weighted" not in loaded("leakage", "1", "--unweighted")


def test_a_game_is_weighted_and_says_so(loaded: Callable[..., str]) -> None:
    game = guess_actions.start(1, "Ann", rows=20, seed=1)
    for row in game.rows:
        guess_actions.guess(game.id, row, 30.0)
    with begin() as session:
        items = predictions.of_jobs(session, [job.id for job in jobs.all(session, 1) if job.technique], weighted=True)
    mine = items.filter(pl.col("row").is_in(game.rows)).unique("row")
    errors, counts = (mine["truth"] - 30.0).abs().to_numpy(), mine["weight"].to_numpy()
    for more, known in (([], counts), (["--unweighted"], None)):
        found = json.loads(loaded("guess", "1", "--game", str(game.id), "--json", *more))
        you = next(line for line in found["rows"] if line["job"] is None)
        assert you["mae"] == pytest.approx(np.average(errors, weights=known))
        assert found["weighted_by"] == ("" if more else "count")
        assert ("Ann's mean error weighted by count is" in found["sentences"][0]) is (not more)
    assert "Errors are weighted by count." in loaded("guess", "1", "--game", str(game.id))
    assert "weighted" not in loaded("guess", "1", "--game", str(game.id), "--unweighted")


def test_what_curation_gained_is_weighted_and_says_so(loaded: Callable[..., str]) -> None:
    with begin() as session:
        row = int(datasets.items(session, 1, Split.TRAIN, 1)["row"][0])
    loaded("decide-price", "1", str(row), "drop")
    found = json.loads(loaded("curate", "1", "--technique", "constant", "--json"))
    assert "mean error weighted by count: " in found["sentence"]
    assert "before, " in found["sentence"]
    plain = price_check_actions.gain(found["jobs"], weighted=False)
    assert f"{off(found['jobs'][0], weighted=False):.2f} before" in plain
    assert "weighted" not in plain


def test_a_jobs_own_summary_is_weighted_and_says_so(loaded: Callable[..., str]) -> None:
    with begin() as session:
        for job in jobs.all(session, 1, JobKind.PRICE):
            kept = results.get(session, job.id)
            assert kept is not None
            assert kept["weighted_by"] == "count"
            assert kept["mae"] == pytest.approx(off(job.id))
