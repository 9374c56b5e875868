"""Comparisons that are kept: like those made anew, made anew when what they rest on changed, gone with the dataset."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import text

from db import comparisons, jobs, predictions
from db.engine import begin
from db.types import JobKind, JobState, Split
from tests.builders import a_dataset
from tests.dashboard.priced import a_finished_job, a_priced_dataset
from tests.worker.conftest import drain
from worker import specs
from worker.datasets import actions as dataset_actions
from worker.evaluation import compare, coverage, slices
from worker.pricing import actions, kept
from worker.pricing.kept import ALL, Comparison


@pytest.fixture
def priced(database: str) -> list[int]:
    """Six jobs on 40 test rows."""
    with begin() as session:
        return a_priced_dataset(session, a_dataset(session, 400))


def refuse() -> pl.DataFrame:
    raise AssertionError("The predictions were read again.")


def read(job_ids: list[int]) -> pl.DataFrame:
    with begin() as session:
        return predictions.of_jobs(session, job_ids).filter(pl.col("truth").is_not_null())


def test_what_is_kept_is_what_evaluation_makes_and_is_not_made_twice(priced: list[int]) -> None:
    first = {part: Comparison(priced).part(part) for part in (*kept.JUDGED, *kept.COVERAGE)}
    again = {part: Comparison(priced, refuse).part(part) for part in (*kept.JUDGED, *kept.COVERAGE)}
    for part in first:
        assert_frame_equal(first[part], again[part])
    lines = read(priced)
    assert_frame_equal(first["table"].drop("frontier_odds"), compare.table(lines))
    assert_frame_equal(first["every pair"], compare.every_pair(lines))
    assert_frame_equal(first["by band"], slices.by_band(lines))
    assert_frame_equal(first["coverage"], coverage.overall(lines))


def test_another_measure_another_selection_and_a_job_that_ran_on_are_other_comparisons(priced: list[int]) -> None:
    Comparison(priced).part("table")
    others = [(priced, "rmsle"), (priced[:3], "mae")]
    for job_ids, by in others:
        with pytest.raises(AssertionError, match="read again"):
            Comparison(job_ids, refuse).part("table", by)
    with begin() as session:  # a retry: it ends later
        jobs.set_state(session, priced[0], JobState.CANCELLED, among=[JobState.DONE])
    with pytest.raises(AssertionError, match="read again"):
        Comparison(priced, refuse).part("table")


def test_runs_of_one_technique_and_the_same_jobs_apart_are_kept_apart(priced: list[int]) -> None:
    with begin() as session:
        dataset_id = jobs.get(session, priced[0]).dataset_id
        runs = [a_finished_job(session, dataset_id, specs.MultiShotSpec(seed=seed)) for seed in (3, 4)]
    assert len(Comparison(runs).part("table")) == 1
    assert len(Comparison(runs, merges=False).part("table")) == 2


def test_weights_make_another_comparison_but_intervals_hold_what_they_hold(priced: list[int]) -> None:
    with begin() as session:
        session.execute(text("UPDATE items SET weight = 1 + row % 5"))
        session.execute(text("""UPDATE datasets SET mapping = '{"title": "name", "weight": "count"}'"""))
    made = {part: Comparison(priced).part(part) for part in ("table", *kept.COVERAGE)}
    for part in kept.COVERAGE:
        assert_frame_equal(Comparison(priced, refuse, weighted=False).part(part), made[part])
    assert Comparison(priced, weighted=False).part("table")["mae"].to_list() != made["table"]["mae"].to_list()


def test_what_is_not_done_is_not_kept_and_nothing_is_kept_without_its_dataset(priced: list[int]) -> None:
    with begin() as session:
        jobs.set_state(session, priced[0], JobState.CANCELLED, among=[JobState.DONE])
    Comparison(priced).part("table")
    with pytest.raises(AssertionError, match="read again"):
        Comparison(priced, refuse).part("table")
    made = Comparison(priced[1:])
    made.part("table")
    assert len(made.missing()) == len(ALL) - 1
    dataset_actions.delete_dataset(made.jobs[0].dataset_id)
    assert len(made.missing()) == len(ALL)


def test_only_the_newest_are_kept(priced: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "MOST", 2)
    made = Comparison(priced)
    for part in ("table", "coverage", "every pair"):
        made.part(part)
    missing = {part for part, by in made.missing() if by == "mae"}
    assert {"coverage", "every pair"}.isdisjoint(missing)
    assert "table" in missing


@pytest.mark.slow
def test_a_worker_compares_many_predictions_when_the_last_job_ends(
    database: str, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 50)
    with begin() as session:
        dataset_id = a_dataset(session, 400)
    ids = actions.start(dataset_id, [specs.ConstantSpec(), specs.RidgeSpec()], Split.TEST)
    drain(sent)
    assert Comparison(ids, refuse).missing() == []
    with begin() as session:
        (job,) = jobs.all(session, dataset_id, JobKind.COMPARE)
    assert job.state is JobState.DONE


def test_few_predictions_are_left_to_whoever_asks(database: str, sent: list[int]) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 100)
    actions.start(dataset_id, [specs.ConstantSpec()], Split.TEST)
    drain(sent)
    with begin() as session:
        assert jobs.all(session, dataset_id, JobKind.COMPARE) == []
