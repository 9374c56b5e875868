"""A chunk from claim to commit, in this process, on a real Postgres: what makes running it twice harmless."""

import pytest

from db import artifacts, chunks, datasets, jobs, predictions, results
from db.engine import begin
from db.errors import UserError, WrongState
from db.types import Artifact, JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from worker import running, specs, steps
from worker.jobs import actions
from worker.pricing import actions as pricing_actions
from worker.pricing import steps as pricing_steps
from worker.progress import Cancelled


def start(split=Split.TEST, n=100, **spec) -> int:
    with begin() as session:
        dataset_id = a_dataset(session, n, unpriced=5)
    [job_id] = pricing_actions.start(dataset_id, [specs.ConstantSpec(**spec)], split)
    return job_id


def state(job_id: int) -> JobState:
    with begin() as session:
        return jobs.get(session, job_id).state


def test_a_job_runs_from_start_to_measured_result(database, sent):
    job_id = start()
    drain(sent)
    with begin() as session:
        frame = predictions.of_job(session, job_id)
        job = jobs.get(session, job_id)
        metrics = results.get(session, job_id)
    assert job.state is JobState.DONE
    assert frame["row"].to_list() == list(range(90, 100))
    assert frame["status"].unique().to_list() == ["ok"]
    assert metrics["n"] == 10
    assert metrics["mae"] == pytest.approx((frame["price"] - frame["truth"]).abs().mean())
    assert (frame["usd"] > 0).all()
    assert job.fixed_seconds > 0


def test_what_was_fitted_in_an_older_form_is_fitted_anew(database, sent):
    """Read by today's code it would be nonsense, or prices that look right and are wrong."""
    spec = specs.RidgeSpec()
    with begin() as session:
        dataset_id = a_dataset(session, 100, unpriced=0)
        key = datasets.fit_hash(datasets.get(session, dataset_id), spec.hash)  # the form before it had a number
        artifacts.put(session, key, dataset_id, Artifact({"about.json": b"of another form"}), 1.0)
    [job_id] = pricing_actions.start(dataset_id, [spec], Split.TEST)
    drain(sent)
    assert state(job_id) is JobState.DONE
    with begin() as session:
        assert predictions.of_job(session, job_id)["status"].unique().to_list() == ["ok"]


def test_a_job_whose_fit_is_of_an_older_form_says_what_to_do(database, sent, monkeypatch):
    with begin() as session:
        dataset_id = a_dataset(session, 100, unpriced=0)
    with monkeypatch.context() as before:
        before.setattr(specs.RidgeSpec, "fit_form", 1)
        [job_id] = pricing_actions.start(dataset_id, [specs.RidgeSpec(alpha=2)], Split.TEST)
        running.run_chunk(sent.pop(0))
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
    assert job.state is JobState.FAILED
    assert "start the job again" in job.error


def test_delivering_every_message_three_times_changes_nothing(database, sent):
    job_id = start()
    while sent:
        chunk_id = sent.pop(0)
        for _ in range(3):
            running.run_chunk(chunk_id)
    with begin() as session:
        assert len(predictions.of_job(session, job_id)) == 10
    assert state(job_id) is JobState.DONE


def test_who_does_the_last_chunk_measures_the_job_whatever_waits_in_the_queue(database, sent):
    job_id = start()
    while state(job_id) is not JobState.DONE:
        chunk_id = sent.pop(0)
        running.run_chunk(chunk_id)
    with begin() as session:
        assert results.get(session, job_id)["n"] == 10
    assert sent, "the message to measure it is still under way"
    drain(sent)
    assert state(job_id) is JobState.DONE


def test_both_sides_are_priced_by_default_and_train_rows_never(database, sent):
    job_id = start(split=None)
    drain(sent)
    with begin() as session:
        frame = predictions.of_job(session, job_id)
    assert sorted(frame["split"].unique()) == ["test", "unpriced"]
    assert len(frame) == 15


def test_a_technique_is_never_shown_the_true_price(database, sent, monkeypatch):
    seen = []
    original = pricing_steps.fitted  # type: ignore[attr-defined]

    def spying(*args):
        technique = original(*args)
        price = technique.price
        technique.price = lambda items, progress: (  # type: ignore[method-assign]
            seen.append(items["price"].null_count() == len(items)) or price(items, progress)
        )
        return technique

    monkeypatch.setattr(pricing_steps, "fitted", spying)
    start()
    drain(sent)
    assert seen == [True]


def test_a_failure_rolls_predictions_back_and_is_tried_again(database, sent, monkeypatch):
    job_id = start()
    monkeypatch.setattr(chunks, "finish", failing(chunks.finish, times=1))
    drain(sent)
    running.sweep()
    drain(sent)
    assert state(job_id) is JobState.DONE
    with begin() as session:
        assert len(predictions.of_job(session, job_id)) == 10


def failing(function, times: int):
    left = [times]

    def wrapper(*args, **kwargs):
        if left[0]:
            left[0] -= 1
            raise RuntimeError("something unforeseen")
        return function(*args, **kwargs)

    return wrapper


def test_a_sentence_for_the_user_fails_the_job_at_once(database, sent, monkeypatch):
    job_id = start()

    def refuse(*args):
        raise UserError("Do this first.")

    monkeypatch.setitem(steps.STEPS, "fit", refuse)
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
    assert (job.state, job.error) == (JobState.FAILED, "Do this first.")


def test_cancelled_work_is_given_back_without_a_trace(database, sent, monkeypatch):
    job_id = start()

    def cancelled(*args):
        actions.cancel(job_id)
        raise Cancelled

    monkeypatch.setitem(steps.STEPS, "fit", cancelled)
    drain(sent)
    assert state(job_id) is JobState.CANCELLED
    with begin() as session:
        assert predictions.of_job(session, job_id).is_empty()


def test_the_lease_tells_long_work_that_its_job_was_cancelled(database, sent, monkeypatch):
    job_id = start()
    import time

    def long_work(work):
        actions.cancel(job_id)
        for _ in range(200):
            work.progress.advance()
            time.sleep(0.05)
        raise AssertionError("nobody stopped the work")

    monkeypatch.setitem(steps.STEPS, "fit", long_work)
    drain(sent)
    assert state(job_id) is JobState.CANCELLED


def test_pause_resume_and_wrong_verbs(database, sent):
    job_id = start()
    actions.pause(job_id)
    drain(sent)
    assert state(job_id) is JobState.PAUSED
    with pytest.raises(WrongState, match="can't be paused: it is paused"):
        actions.pause(job_id)
    actions.resume(job_id)
    drain(sent)
    assert state(job_id) is JobState.DONE
    with pytest.raises(UserError, match="nothing to run again"):
        actions.retry(job_id)
    assert state(job_id) is JobState.DONE


def test_the_same_question_is_not_priced_twice(database, sent):
    job_id = start()
    drain(sent)
    with begin() as session:
        dataset_id = jobs.get(session, job_id).dataset_id
    assert pricing_actions.start(dataset_id, [specs.ConstantSpec()], Split.TEST) == [job_id]
    [estimate] = pricing_actions.estimate(dataset_id, [specs.ConstantSpec()], Split.TEST)
    assert estimate.reuses == job_id
    assert estimate.items == 10


def test_a_sample_is_the_same_for_every_technique_and_grows_by_nesting(database):
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        small = datasets.target_rows(session, dataset_id, Split.TEST, 5)
        large = datasets.target_rows(session, dataset_id, Split.TEST, 12)
    assert set(small) < set(large)


def test_a_cancelled_job_goes_on_where_it_was_when_it_is_retried(database, sent):
    job_id = start()
    actions.cancel(job_id)
    drain(sent)
    assert actions.retry(job_id) > 0
    drain(sent)
    assert state(job_id) is JobState.DONE
