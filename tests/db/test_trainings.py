"""What a training leaves behind while it runs, and what is held against it when its worker dies, on a real Postgres."""

from sqlalchemy import text

from db import chunks, jobs, rates, recovery, trainings
from db.engine import Session, begin
from db.types import Checkpoint, Chunk, JobKind, JobState, Queue, Step, TrainingPoint
from tests.builders import a_dataset

LEASE = 15


def a_training(session: Session) -> int:
    return jobs.create(
        session,
        kind=JobKind.FINETUNE,
        dataset_id=a_dataset(session),
        queue=Queue.CPU,
        rate_id=rates.for_queue(session, Queue.CPU),
        chunks=[(Step.TRAIN, []), (Step.GATE, [])],
        items_total=100,
    )


def losses(session: Session, job_id: int) -> list[tuple[int, str, float]]:
    return [(point.step, point.kind, point.values["loss"]) for point in trainings.points(session, job_id)]


def step(number: int, loss: float, kind: str = "step") -> TrainingPoint:
    return TrainingPoint(number, kind, {"loss": loss})


def test_a_curve_is_in_order_and_a_step_done_again_is_written_over(session):
    job_id = a_training(session)
    trainings.note(session, job_id, [step(2, 1.5), step(1, 2.0), step(2, 1.6, "eval")])
    trainings.note(session, job_id, [step(2, 1.4), step(3, 9.0), step(3, 1.2)])
    trainings.note(session, job_id, [])
    assert losses(session, job_id) == [(1, "step", 2.0), (2, "eval", 1.6), (2, "step", 1.4), (3, "step", 1.2)]


def test_what_came_after_the_checkpoint_is_forgotten_and_the_rest_stays(session):
    job_id, other = a_training(session), a_training(session)
    for each in (job_id, other):
        trainings.note(session, each, [step(1, 2.0), step(2, 1.5), step(3, 1.2)])
    trainings.forget_after(session, job_id, 2)
    assert [number for number, _, _ in losses(session, job_id)] == [1, 2]
    assert len(losses(session, other)) == 3


def test_a_new_checkpoint_takes_the_place_of_the_old_one_with_all_its_parts(session):
    job_id = a_training(session)
    assert trainings.checkpoint(session, job_id) is None
    trainings.save_checkpoint(session, job_id, Checkpoint(10, {"weights": b"old", "only then": b"x"}))
    trainings.save_checkpoint(session, job_id, Checkpoint(20, {"weights": b"new", "state.json": b"{}"}))
    assert trainings.checkpoint(session, job_id) == Checkpoint(20, {"weights": b"new", "state.json": b"{}"})
    trainings.drop_checkpoint(session, job_id)
    assert trainings.checkpoint(session, job_id) is None


def test_the_wish_to_stop_is_that_of_one_job(session):
    job_id, other = a_training(session), a_training(session)
    trainings.ask_to_stop(session, job_id)
    assert trainings.is_asked_to_stop(session, job_id)
    assert not trainings.is_asked_to_stop(session, other)


def test_a_training_goes_before_what_it_forgot_is_measured(session):
    job_id = a_training(session)
    [chunk_id] = chunks.to_send(session, job_id)
    chunk = chunks.claim(session, chunk_id, "me", LEASE)
    assert chunk.step is Step.TRAIN
    assert chunks.finish(session, chunk, chunks.Tally(items=100))
    [chunk_id] = chunks.to_send(session, job_id)
    assert chunks.claim(session, chunk_id, "me", LEASE).step is Step.GATE


def test_a_paused_training_lets_go_of_its_worker_and_other_chunks_end_first(session):
    job_id = a_training(session)
    [chunk_id] = chunks.to_send(session, job_id)
    chunk = chunks.claim(session, chunk_id, "me", LEASE)
    assert chunks.beat(session, chunk, LEASE, 1)
    jobs.pause(session, job_id, "")
    assert not chunks.beat(session, chunk, LEASE, 2)

    jobs.set_state(session, job_id, JobState.RUNNING, among=[JobState.PAUSED])
    assert chunks.finish(session, chunk, chunks.Tally(items=100))
    [chunk_id] = chunks.to_send(session, job_id)
    measuring = chunks.claim(session, chunk_id, "me", LEASE)
    jobs.pause(session, job_id, "")
    assert chunks.beat(session, measuring, LEASE, 0)


def taken(session: Session, job_id: int) -> Chunk:
    """The training of a job in the hands of a worker, whose predecessor is not heard of any more."""
    session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 second' WHERE state = 'running'"))
    recovery.sweep(session, attempts=9, quiet_seconds=10, idle_queues=())
    [chunk_id] = chunks.to_send(session, job_id)
    return chunks.claim(session, chunk_id, "me", LEASE)


def test_only_who_holds_the_training_may_write(session):
    job_id = a_training(session)
    first = taken(session, job_id)
    assert chunks.is_held(session, first)
    second = taken(session, job_id)
    assert not chunks.is_held(session, first)
    assert chunks.is_held(session, second)
    jobs.pause(session, job_id, "")
    assert chunks.is_held(session, second)  # it goes on from there
    assert chunks.finish(session, second, chunks.Tally(items=100))
    assert not chunks.is_held(session, second)


def test_nobody_writes_for_a_training_that_was_cancelled(session):
    job_id = a_training(session)
    chunk = taken(session, job_id)
    jobs.set_state(session, job_id, JobState.CANCELLED, among=[JobState.RUNNING])
    assert not chunks.is_held(session, chunk)


def test_nobody_takes_a_training_between_the_answer_and_the_commit(database):
    with begin() as session:
        job_id = a_training(session)
        chunk = taken(session, job_id)
        session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 second' WHERE state = 'running'"))
    with begin() as session:
        assert chunks.is_held(session, chunk)
        with begin() as other:
            recovery.sweep(other, attempts=9, quiet_seconds=10, idle_queues=())
            assert chunks.to_send(other, job_id) == []
    with begin() as session:
        assert taken(session, job_id).attempt == chunk.attempt + 1


def die_after(session: Session, job_id: int, items_done: int) -> None:
    """A worker takes the training, says how far it is, and is never heard of again."""
    [chunk_id] = chunks.to_send(session, job_id)
    chunk = chunks.claim(session, chunk_id, "me", LEASE)
    assert chunks.beat(session, chunk, LEASE, items_done)
    session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 second' WHERE state = 'running'"))
    recovery.sweep(session, attempts=3, quiet_seconds=10, idle_queues=())


def test_a_killed_training_that_got_further_each_time_is_not_blamed(session):
    job_id = a_training(session)
    for items_done in (10, 20, 30, 40, 50):
        die_after(session, job_id, items_done)
    assert jobs.get(session, job_id).state is JobState.RUNNING


def test_tries_that_got_no_further_are_forgotten_once_one_does(session):
    job_id = a_training(session)
    for items_done in (10, 10, 10, 20, 20, 20):
        die_after(session, job_id, items_done)
    assert jobs.get(session, job_id).state is JobState.RUNNING


def test_a_training_that_kills_its_worker_at_the_same_place_every_time_fails_with_a_reason(session):
    job_id = a_training(session)
    for _ in range(4):  # the first time it got further than before
        die_after(session, job_id, 10)
    job = jobs.get(session, job_id)
    assert job.state is JobState.FAILED
    assert "without getting further" in job.error
