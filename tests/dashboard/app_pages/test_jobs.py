"""The Jobs page: what fits the state of a job, and what it says of it."""

import pytest
from sqlalchemy import event, text

from dashboard.parts.results import predictions
from dashboard.shared import navigation
from db import chunks, engine, jobs, results
from db.engine import begin
from db.types import JobState, Split
from tests.builders import a_dataset, a_job
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_finished_job, a_running_job
from worker import specs


def test_buttons_fit_the_state_and_work(open_page: Open, database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        job_id = a_running_job(session, dataset_id, specs.ConstantSpec())
    at = open_page("jobs")
    assert is_well(at)
    assert "No worker is running" in texts(at)
    for key, state in (("pause", JobState.PAUSED), ("resume", JobState.RUNNING), ("cancel", JobState.CANCELLED)):
        at.button(key=f"{key}-{job_id}").click().run()
        assert is_well(at)
        with begin() as session:
            assert jobs.get(session, job_id).state is state
    assert not {f"{verb}-{job_id}" for verb in ("pause", "resume", "cancel", "retry")} & {
        each.key for each in at.button
    }


def test_a_failed_job_says_why_and_can_be_retried(open_page: Open) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        job_id = a_running_job(session, dataset_id, specs.ConstantSpec())
        chunk = chunks.claim(session, chunks.to_send(session, job_id)[0], "a test", 60)
        assert chunk
        chunks.fail(session, chunk, "The model is not there.", attempts=1)
    at = open_page("jobs")
    assert at.error[0].value == "The model is not there."
    at.button(key=f"retry-{job_id}").click().run()
    assert is_well(at)
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.RUNNING


def test_a_job_that_no_worker_is_at_says_that_it_waits(open_page: Open) -> None:
    with begin() as session:
        job_id = a_running_job(session, a_dataset(session, 200), specs.RidgeSpec())
        session.execute(text("UPDATE jobs SET created_at = now() - interval '90 seconds'"))
    at = open_page("jobs")
    assert is_well(at)
    assert "Waits for a free worker, 1 min 30 s so far (not begun)" in at.get("progress")[0].proto.text
    with begin() as session:
        assert chunks.claim(session, chunks.to_send(session, job_id)[0], "a test", 60)
    at.run()
    assert "Learning from the train rows" in at.get("progress")[0].proto.text


def test_a_measured_job_tells_its_error_while_others_still_run(open_page: Open) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200, unpriced=5)
        results.put(session, a_finished_job(session, dataset_id, specs.ConstantSpec()), {"n": 20, "mae": 12.345})
        a_finished_job(session, dataset_id, specs.RidgeSpec(), Split.UNPRICED)  # without anything to measure
        a_running_job(session, dataset_id, specs.ZeroShotSpec())
    at = open_page("jobs")
    assert is_well(at)
    assert texts(at).count("mean error") == 1
    assert "mean error \\$12.3" in texts(at)
    assert "weighted" not in texts(at)


def test_a_weighted_mean_error_says_by_what(open_page, database):
    with begin() as session:
        job_id = a_finished_job(session, a_dataset(session), specs.ConstantSpec())
        results.put(session, job_id, {"n": 20, "mae": 12.345, "weighted_by": "copies_sold"})
    at = open_page("jobs")
    assert "mean error \\$12.35 weighted by copies\\_sold" in texts(at)


def test_jobs_of_other_datasets_are_shown_on_demand(open_page: Open, priced: int) -> None:
    with begin() as session:
        a_dataset(session, name="other")
    at = open_page("jobs")
    assert "Nothing has been priced" in texts(at)
    at.toggle(key="jobs_everywhere").set_value(True).run()
    assert "Category median" in texts(at)


def test_parts_that_end_after_a_job_failed_are_shown(database: str) -> None:
    """Two parts at once: one fails the job, and the other one's rows come afterwards."""
    with begin() as session:
        dataset_id = a_dataset(session)
        job_id = a_job(session, dataset_id)
        (fit,) = chunks.to_send(session, job_id)
        begun = chunks.claim(session, fit, "a test", 60)
        assert begun
        chunks.finish(session, begun, chunks.Tally())
        first, second = (chunks.claim(session, number, "a test", 60) for number in chunks.to_send(session, job_id))
        assert first
        assert second
        chunks.fail(session, first, "It broke.", attempts=1)
    with begin() as session:
        before = predictions.version(jobs.get(session, job_id))
    with begin() as session:
        assert chunks.finish(session, second, chunks.Tally())
    with begin() as session:
        job = jobs.get(session, job_id)
    assert job.state is JobState.FAILED
    assert predictions.version(job) != before


@pytest.mark.slow
def test_a_job_is_named_archived_and_deleted_by_its_number(open_page: Open, priced: int) -> None:
    at = open_page("jobs")
    at.selectbox("keep-job").set_value(3).run()
    at.text_input("name-of-job-3").set_value("my own")
    next(button for button in at.button if button.label == "Save").click().run()
    assert is_well(at)
    assert "**my own**" in texts(at)
    at.button("archive-job-3").click().run()
    assert "my own" not in texts(at)
    assert 3 not in open_page("results").selectbox[1].options
    at.toggle(navigation.ARCHIVED).set_value(True).run()
    assert "**my own**" in texts(at)
    at.selectbox("keep-job").set_value(2).run()
    assert "With it go 20 predictions." in texts(at)
    assert at.button("delete-job-2").disabled
    at.checkbox("sure-job-2").check().run()
    at.button("delete-job-2").click().run()
    assert is_well(at)
    with begin() as session:
        assert sorted(job.id for job in jobs.all(session)) == [1, 3, 4, 5, 6]


def test_more_cards_ask_the_database_no_more_often(open_page: Open, priced: int) -> None:
    asked = [0]

    def count(*_: object) -> None:
        asked[0] += 1

    def questions() -> int:
        asked[0] = 0
        assert is_well(at.run())
        return asked[0]

    at = open_page("jobs")
    event.listen(engine.engine(), "before_cursor_execute", count)
    try:
        before = questions()
        with begin() as session:
            more = [a_finished_job(session, priced, specs.ConstantSpec()) for _ in range(5)]
            for job_id in more:
                results.put(session, job_id, {"mae": 12.345})
        assert questions() == before
    finally:
        event.remove(engine.engine(), "before_cursor_execute", count)
    assert texts(at).count("mean error") == len(more)
