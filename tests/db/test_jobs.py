"""Leases, retries and progress of jobs, on a real Postgres."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from db import chunks, datasets, job_progress, jobs, predictions, rates, recovery
from db.engine import Session, begin
from db.types import DatasetState, JobKind, JobState, Queue, Step
from tests.builders import a_dataset, a_job, some_predictions
from worker import specs

LEASE = 15


def claim_next(session: Session, job_id: int):
    chunk_ids = chunks.to_send(session, job_id)
    return [chunks.claim(session, chunk_id, "me", LEASE) for chunk_id in chunk_ids]


def finish_all(session: Session, job_id: int) -> None:
    while claimed := claim_next(session, job_id):
        for chunk in claimed:
            if chunk.step is Step.PRICE:
                predictions.add(session, job_id, some_predictions(chunk.rows))
            assert chunks.finish(session, chunk, chunks.Tally(items=len(chunk.rows)))


def expire(session: Session) -> None:
    session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 second' WHERE state = 'running'"))


def sweep(session: Session, idle: tuple[Queue, ...] = ()) -> list[int]:
    return recovery.sweep(session, attempts=5, quiet_seconds=10, idle_queues=idle)


def test_steps_run_in_order_and_the_last_chunk_closes_the_job(session):
    job_id = a_job(session, a_dataset(session))
    steps = []
    while claimed := claim_next(session, job_id):
        steps.append([chunk.step for chunk in claimed])
        for chunk in claimed:
            assert chunks.finish(session, chunk, chunks.Tally(items=len(chunk.rows)))
    assert steps == [[Step.FIT], [Step.PRICE, Step.PRICE], [Step.EVALUATE]]
    assert jobs.get(session, job_id).state is JobState.DONE


def test_a_chunk_is_leased_to_one_worker_only(session):
    job_id = a_job(session, a_dataset(session))
    [chunk_id] = chunks.to_send(session, job_id)
    assert chunks.claim(session, chunk_id, "first", LEASE)
    assert chunks.claim(session, chunk_id, "second", LEASE) is None


def test_a_done_chunk_is_not_handed_out_again_by_a_second_message(session):
    job_id = a_job(session, a_dataset(session))
    [chunk_id] = chunks.to_send(session, job_id)
    chunk = chunks.claim(session, chunk_id, "me", LEASE)
    assert chunks.finish(session, chunk, chunks.Tally())
    assert chunks.claim(session, chunk_id, "me", LEASE) is None


def test_a_worker_that_lost_its_lease_can_neither_beat_nor_commit(session):
    job_id = a_job(session, a_dataset(session))
    [old] = claim_next(session, job_id)
    expire(session)
    assert sweep(session) == [job_id]
    [new] = claim_next(session, job_id)
    assert new.attempt > old.attempt
    assert not chunks.beat(session, old, LEASE, 1)
    assert not chunks.finish(session, old, chunks.Tally())
    assert chunks.beat(session, new, LEASE, 1)
    assert chunks.finish(session, new, chunks.Tally())


def test_a_chunk_that_kills_its_worker_every_time_fails_the_job_with_a_reason(session):
    job_id = a_job(session, a_dataset(session))
    for _ in range(5):
        assert claim_next(session, job_id)
        expire(session)
        sweep(session)
    job = jobs.get(session, job_id)
    assert job.state is JobState.FAILED
    assert "died 5 times" in job.error


@pytest.mark.parametrize("kind", [JobKind.INSPECT, JobKind.LOAD])
def test_a_file_that_kills_its_worker_twice_is_not_tried_again(session, kind):
    dataset_id = datasets.create(session, name="huge", sha256="0" * 64, file_name="huge.csv")
    job_id = jobs.create(
        session,
        kind=kind,
        dataset_id=dataset_id,
        queue=Queue.INTERACTIVE,
        rate_id=rates.for_queue(session, Queue.INTERACTIVE),
        chunks=[(Step(kind), [])],
    )
    for state in (DatasetState.UPLOADED, DatasetState.FAILED):
        assert claim_next(session, job_id)
        expire(session)
        sweep(session)
        assert datasets.get(session, dataset_id).state is state
    assert claim_next(session, job_id) == []
    assert "died while it read this file" in datasets.get(session, dataset_id).error


def test_a_lost_message_is_sent_again_only_when_its_queue_is_empty(session):
    job_id = a_job(session, a_dataset(session))
    sent = chunks.to_send(session, job_id)
    session.execute(text("UPDATE chunks SET sent_at = now() - interval '1 minute' WHERE sent_at IS NOT NULL"))
    assert sweep(session, idle=()) == []
    assert sweep(session, idle=(Queue.CPU,)) == [job_id]
    assert chunks.to_send(session, job_id) == sent


def test_few_messages_of_one_job_lie_in_the_queue_at_once(session):
    pieces = [[row] for row in range(50)]
    job_id = a_job(session, a_dataset(session), pieces=pieces)
    [fit] = claim_next(session, job_id)
    chunks.finish(session, fit, chunks.Tally())
    first = chunks.to_send(session, job_id)
    assert len(first) == chunks.MESSAGES_AHEAD
    assert chunks.to_send(session, job_id) == []
    chunks.claim(session, first[0], "me", LEASE)
    assert len(chunks.to_send(session, job_id)) == 1


def test_a_paused_job_hands_out_nothing_and_resumes_where_it_was(session):
    job_id = a_job(session, a_dataset(session))
    sent = chunks.to_send(session, job_id)
    assert jobs.set_state(session, job_id, JobState.PAUSED, among=[JobState.RUNNING])
    assert chunks.claim(session, sent[0], "me", LEASE) is None
    assert jobs.set_state(session, job_id, JobState.RUNNING, among=[JobState.PAUSED])
    finish_all(session, job_id)
    assert jobs.get(session, job_id).state is JobState.DONE


def test_a_chunk_at_work_when_its_job_is_paused_still_commits(session):
    job_id = a_job(session, a_dataset(session))
    [chunk] = claim_next(session, job_id)
    jobs.set_state(session, job_id, JobState.PAUSED, among=[JobState.RUNNING])
    assert chunks.beat(session, chunk, LEASE, 1)
    assert chunks.finish(session, chunk, chunks.Tally())
    assert jobs.get(session, job_id).state is JobState.PAUSED


def test_work_on_a_cancelled_job_learns_of_it_and_cannot_commit(session):
    job_id = a_job(session, a_dataset(session))
    [chunk] = claim_next(session, job_id)
    jobs.set_state(session, job_id, JobState.CANCELLED, among=[JobState.RUNNING])
    assert not chunks.beat(session, chunk, LEASE, 1)
    assert not chunks.finish(session, chunk, chunks.Tally())


def test_retry_runs_only_what_failed_and_counts_every_item_once(session):
    job_id = a_job(session, a_dataset(session), pieces=[[0, 1, 2], [3, 4]])
    [fit] = claim_next(session, job_id)
    chunks.finish(session, fit, chunks.Tally())
    first, second = claim_next(session, job_id)
    predictions.add(session, job_id, some_predictions([0]))
    predictions.add(session, job_id, some_predictions([1, 2], status="failed"))
    predictions.add(session, job_id, some_predictions([3, 4]))
    chunks.finish(session, first, chunks.Tally(items=3, failed=2))
    chunks.finish(session, second, chunks.Tally(items=2))
    [evaluate] = claim_next(session, job_id)
    chunks.finish(session, evaluate, chunks.Tally())

    assert recovery.reopen_failed(session, job_id) == 1
    assert jobs.set_state(session, job_id, JobState.RUNNING, among=[JobState.DONE])
    [again] = claim_next(session, job_id)
    assert sorted(again.rows) == [1, 2]
    predictions.add(session, job_id, some_predictions(again.rows))
    chunks.finish(session, again, chunks.Tally(items=2))
    finish_all(session, job_id)
    [progress] = job_progress.of(session, [job_id])
    assert (progress.items_done, progress.failed, progress.state) == (5, 0, JobState.DONE)
    assert predictions.of_job(session, job_id)["row"].to_list() == [0, 1, 2, 3, 4]


def test_a_chunk_that_failed_for_good_fails_its_job_and_can_be_retried(session):
    job_id = a_job(session, a_dataset(session))
    [chunk] = claim_next(session, job_id)
    chunks.fail(session, chunk, "The model is missing.", attempts=1)
    assert jobs.get(session, job_id).error == "The model is missing."
    assert recovery.reopen_failed(session, job_id) == 1
    assert jobs.set_state(session, job_id, JobState.RUNNING, among=[JobState.FAILED])
    assert jobs.get(session, job_id).error is None
    finish_all(session, job_id)
    assert jobs.get(session, job_id).state is JobState.DONE


def test_progress_sums_the_chunks(session):
    job_id = a_job(session, a_dataset(session), pieces=[[0, 1, 2], [3, 4]])
    [fit] = claim_next(session, job_id)
    chunks.finish(session, fit, chunks.Tally())
    jobs.add_fixed_cost(session, job_id, 2.0, Decimal("0.5"))
    first, second = claim_next(session, job_id)
    chunks.finish(session, first, chunks.Tally(items=3, unparsed=1, usd=Decimal("0.25"), seconds=3.0))
    chunks.beat(session, second, LEASE, 1)
    [progress] = job_progress.of(session, [job_id])
    assert (progress.items_done, progress.items_total, progress.unparsed) == (4, 5, 1)
    assert progress.usd == Decimal("0.75")
    assert progress.step is Step.PRICE


def test_two_chunks_that_end_at_the_same_moment_still_close_the_job(database):
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
    with begin() as session:
        [fit] = claim_next(session, job_id)
        chunks.finish(session, fit, chunks.Tally())
    with begin() as session:
        first, second = claim_next(session, job_id)
    with begin() as session:
        # The second finisher waits for the first one's lock on the job's row, in a thread of its own.
        chunks.finish(session, first, chunks.Tally())
        import threading

        def finish_second() -> None:
            with begin() as other:
                assert chunks.finish(other, second, chunks.Tally())

        thread = threading.Thread(target=finish_second)
        thread.start()
    thread.join(30)
    with begin() as session:
        finish_all(session, job_id)
        assert jobs.get(session, job_id).state is JobState.DONE


def test_the_same_spec_on_the_same_rows_is_the_same_job(session):
    dataset_id = a_dataset(session)
    job_id = a_job(session, dataset_id)
    key = specs.ConstantSpec().fit_key
    assert jobs.same(session, dataset_id, fit_key=key, split=None, limit=None).id == job_id
    assert jobs.same(session, dataset_id, fit_key=key, split=None, limit=5) is None
    jobs.set_state(session, job_id, JobState.CANCELLED, among=[JobState.RUNNING])
    assert jobs.same(session, dataset_id, fit_key=key, split=None, limit=None) is None
