"""Comparisons that are kept: like those made anew, made anew when what they rest on changed, gone with the dataset."""

from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import text

from db import comparisons, job_progress, jobs, predictions
from db.engine import Session, begin
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.dashboard.priced import a_finished_job, a_priced_dataset, a_running_job
from tests.databases import Emptied
from tests.worker.conftest import drain
from worker import specs
from worker.datasets import actions as dataset_actions
from worker.evaluation import choice, compare, coverage, slices
from worker.evaluation.choice import Limits
from worker.jobs import actions as job_actions
from worker.pricing import actions, comparison, comparison_jobs, kept
from worker.pricing.kept import ALL, Comparison


@pytest.fixture
def priced(database: str, emptied: Emptied) -> list[int]:
    """Six jobs on 40 test rows."""
    return [*emptied.remembered(_six_jobs)]


def _six_jobs() -> list[int]:
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
def test_a_worker_compares_many_predictions_when_pricing_has_ended(
    database: str, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 50)
    with begin() as session:
        dataset_id = a_dataset(session, 400)
    ids = actions.start(dataset_id, [specs.ConstantSpec(), specs.RidgeSpec()], Split.TEST)
    assert comparison_jobs.start_due() == []  # they are at work
    drain(sent)
    (job_id,) = comparison_jobs.start_due()
    drain(sent)
    assert Comparison(ids, refuse).missing() == []
    with begin() as session:
        job, progress = jobs.get(session, job_id), job_progress.of(session, [job_id])[0]
    assert job.state is JobState.DONE
    assert progress.items_done == progress.items_total == len(ALL)
    assert comparison_jobs.start_due() == []


def test_few_predictions_are_left_to_whoever_asks(priced: list[int]) -> None:
    assert comparison_jobs.start_due() == []


def a_second_job(dataset_id: int) -> int:
    with begin() as session:
        return a_running_job(session, dataset_id, specs.NeighboursSpec(k=3))


def end(session: Session, job_id: int) -> None:
    session.execute(text("UPDATE chunks SET state = 'done' WHERE job_id = :job"), {"job": job_id})
    jobs.settle(session, job_id)


def test_jobs_that_end_at_once_are_compared_however_they_end(
    priced: list[int], sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 50)
    with begin() as session:
        dataset_id = jobs.get(session, priced[0]).dataset_id
    assert len(comparison_jobs.start_due()) == 1
    one, other = a_second_job(dataset_id), a_second_job(dataset_id)
    with begin() as first:
        end(first, one)
        with begin() as second:  # neither sees that the other one ends
            end(second, other)
        assert comparison_jobs.start_due() == []
    assert len(comparison_jobs.start_due()) == 1
    for ends in ("failed", "cancelled"):
        last = a_second_job(dataset_id)
        assert comparison_jobs.start_due() == []
        if ends == "cancelled":
            job_actions.cancel(last)
        else:
            with begin() as session:
                session.execute(text("UPDATE chunks SET state = 'failed' WHERE job_id = :job"), {"job": last})
                jobs.settle(session, last)
        assert len(comparison_jobs.start_due()) == 1
        assert comparison_jobs.start_due() == []


def test_two_who_look_at_once_start_one_comparison(
    priced: list[int], sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 50)
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: comparison_jobs.start_due(), range(4)))
    assert sum(map(len, started)) == 1


def test_many_predictions_are_compared_by_a_worker_for_all_who_ask(
    priced: list[int], sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison_jobs.demand(Comparison(priced, refuse), ("table", "mae"))  # few: whoever asks makes them
    monkeypatch.setattr(kept, "AT_ONCE", 50)
    waits = []
    for _ in range(2):
        with pytest.raises(comparison_jobs.BeingMade) as wait:
            comparison_jobs.demand(Comparison(priced[:3], refuse), ("every pair", "rmsle"))
        waits.append(wait.value)
    assert waits[0].job.id == waits[1].job.id
    drain(sent)
    asked = Comparison(priced[:3], refuse)
    comparison_jobs.demand(asked, *((part, "rmsle") for part in kept.JUDGED))
    assert waits[0].key == asked.key("every pair", "rmsle")
    assert asked.missing([("table", "mae")])  # another measure is another job


def test_a_comparison_that_failed_is_told_and_not_started_again(
    priced: list[int], sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 50)
    with pytest.raises(comparison_jobs.BeingMade) as first:
        comparison_jobs.demand(Comparison(priced), ("table", "mae"))
    job_actions.cancel(first.value.job.id)
    with pytest.raises(comparison_jobs.BeingMade) as again:
        comparison_jobs.demand(Comparison(priced), ("table", "mae"))
    assert (again.value.job.id, again.value.job.state) == (first.value.job.id, JobState.CANCELLED)


def test_a_choice_takes_what_was_kept(priced: list[int]) -> None:
    limits = Limits(error=1e6, usd_per_1000=1e6, ms=1e9)
    made = Comparison(priced)
    first = choice.choices(made.part("table"), made.gaps("mae"), limits, by="mae")
    again = Comparison(priced, refuse)
    assert choice.choices(again.part("table"), again.gaps("mae"), limits, by="mae") == first
    assert [each["job"] for each in comparison.choose(priced, limits)] == [each.job_id for each in first]
