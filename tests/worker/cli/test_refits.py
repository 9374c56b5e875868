"""Cross-fitting and rolling origins in the terminal: each row priced by what has not seen it, nothing left behind."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from db import datasets, jobs, results
from db.engine import begin
from db.errors import NotReady, UserError
from db.types import JobKind, JobState
from tests.builders import a_catalogue, products
from tests.worker.hashed import HashedWords
from worker import specs
from worker.evaluation import cross_fit
from worker.knowledge import index
from worker.refits import actions
from worker.refits.results import found


@pytest.fixture
def small(command: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """80 priced items and 10 without a price."""
    model = HashedWords()
    monkeypatch.setattr(index, "embedder", lambda: model)
    monkeypatch.setattr(cross_fit, "REPEATS", 2)  # fits enough to see that repeats differ
    frame = products(90).with_columns(price=pl.when(pl.col("row") < 80).then("price"))
    frame.drop("row").write_csv(tmp_path / "small.csv")
    command("load", str(tmp_path / "small.csv"))
    return command


@pytest.mark.slow
def test_a_technique_with_trees_is_cross_fitted_too(small: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_fit, "REPEATS", 1)
    said = json.loads(small("cross-fit", "1", "--technique", "lightgbm", "--json"))
    assert [(line["n"], line["answered"]) for line in said["rows"]] == [(80, 1.0)]


@pytest.mark.slow
def test_baselines_are_cross_fitted_and_the_base_of_the_dataset_never_sees_a_test_row(
    small: Callable[..., str],
) -> None:
    chosen = ["constant", "ridge", "neighbours"]
    asked = [word for name in chosen for word in ("--technique", name)]
    said = json.loads(small("cross-fit", "1", *asked, "--json"))
    assert {line["technique"] for line in said["rows"]} == {specs.SPECS[name].label for name in chosen}
    assert {line["n"] for line in said["rows"]} == {80}
    assert "each priced by fits that had not seen it" in said["sentences"][0]
    with begin() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM knowledge_items").scalar() == 0
        for job_id in said["jobs"]:
            done = found(results.get(session, job_id))
            assert sorted(done) == list(range(cross_fit.REPEATS))
            assert all(sorted(part.rows) == list(range(80)) for part in done.values())
            assert all(part.learned == 64 for part in done.values())
    again = json.loads(small("cross-fit", "1", *asked, "--json"))
    assert again["jobs"] == said["jobs"], "the same is asked once"
    assert "Ridge" in small("cross-fit", "1")


@pytest.mark.slow
def test_what_cannot_be_cross_fitted_says_why(small: Callable[..., str], tmp_path: Path) -> None:
    for name, why in (("ensemble", "take its members"), ("cascade", "take its members")):
        with pytest.raises(UserError, match=why):
            small("cross-fit", "1", "--technique", name)
    products(20).drop("row").write_csv(tmp_path / "tiny.csv")
    small("load", str(tmp_path / "tiny.csv"))
    with pytest.raises(NotReady, match=r"Only 20 rows have a price.*zero-shot.*another dataset"):
        small("cross-fit", "2")
    with begin() as session:
        assert "zero-shot" in actions.advice(datasets.get(session, 2))
        assert "Cross-fitting uses every row" in actions.advice(datasets.get(session, 1))
    a_catalogue(60).with_columns(split=pl.Series(["train", "test"] * 30)).drop("row").write_csv(tmp_path / "hers.csv")
    small("load", str(tmp_path / "hers.csv"))
    with pytest.raises(NotReady, match="has a split of its own, which stands"):
        small("cross-fit", "3")


@pytest.mark.slow
def test_rolling_origins_learn_before_and_price_after(command: Callable[..., str], tmp_path: Path) -> None:
    days = [date(2023, 1, 1) + timedelta(i) for i in range(400)]
    products(400).with_columns(sold=pl.Series(days)).drop("row").write_csv(tmp_path / "dated.csv")
    command("load", str(tmp_path / "dated.csv"), "--map", "date=sold")
    asked = ["ageing", "1", "--technique", "constant", "--origins"]
    said = json.loads(command(*asked, "3", "--json"))
    rows: list[dict[str, Any]] = said["rows"]
    assert [line["learned"] for line in rows] == [200, 266, 333]
    assert [line["n"] for line in rows] == [66, 67, 67]
    assert rows[0]["last"] < rows[1]["first"]
    assert len(said["sentences"]) == 1
    assert "Category median" in command(*asked, "3")
    with pytest.raises(NotReady, match="ask for fewer"):
        command(*asked, "9")
    with begin() as session:
        [job] = jobs.all(session, 1, JobKind.REFIT)
        assert (job.state, job.items_total) == (JobState.DONE, 3)
        assert job.fixed_seconds > 0
