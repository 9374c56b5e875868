"""Whose turn it is, on a real Postgres: short work first, nobody for ever passed over, one message for each chunk."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import text

from db import chunks, datasets, jobs, recovery, turns
from db.engine import Session, begin
from db.settings import settings
from db.types import JobState, Priority, Queue, Step
from tests.builders import a_dataset, a_job
from worker import specs
from worker.pricing import planning

LEASE = 15
LONG = {Step.FIT: 0.0, Step.PRICE: 20.0, Step.EVALUATE: 0.0}
SHORT = {Step.FIT: 0.0, Step.PRICE: 5.0, Step.EVALUATE: 0.0}


def long_job(session: Session, dataset_id: int, parts: int = 3, **values) -> int:
    return a_job(session, dataset_id, pieces=[[part] for part in range(parts)], seconds=LONG, **values)


def short_job(session: Session, dataset_id: int, **values) -> int:
    return a_job(session, dataset_id, pieces=[[0]], seconds=SHORT, **values)


def send(session: Session, job_ids: Sequence[int]) -> list[int]:
    return [chunk_id for job_id in job_ids for chunk_id in chunks.to_send(session, job_id)]


def take(session: Session, sent_for: int) -> int | None:
    """Do the chunk whose turn it is, in as many seconds as expected; its job."""
    chunk_id = turns.first(session, sent_for)
    if chunk_id is None:
        return None
    chunk = chunks.claim(session, chunk_id, "me", LEASE)
    assert chunk
    expected = session.scalar(text("SELECT expected_seconds FROM chunks WHERE id = :id"), {"id": chunk_id})
    assert chunks.finish(session, chunk, chunks.Tally())
    later(session, expected)
    return chunk.job_id


def later(session: Session, seconds: float) -> None:
    """As if so much time had gone by."""
    session.execute(
        text(
            "UPDATE chunks SET sent_at = sent_at - make_interval(secs => :seconds), "
            "started_at = started_at - make_interval(secs => :seconds)"
        ),
        {"seconds": seconds},
    )


def take_all(session: Session, job_ids: Sequence[int]) -> list[int]:
    """The jobs whose turn it was, until nothing is left."""
    sent, taken = send(session, job_ids), []
    while sent:
        job_id = take(session, sent.pop(0))
        taken += [job_id] if job_id else []
        sent += send(session, job_ids)
    return taken


def test_the_job_with_the_fewest_seconds_left_comes_first_whichever_was_sent_first(session):
    dataset_id = a_dataset(session)
    long, short = long_job(session, dataset_id), short_job(session, dataset_id)
    assert take_all(session, [long, short]) == [short] * 3 + [long] * 5


def test_baselines_come_before_what_is_held_against_them_even_if_they_take_longer(session):
    dataset_id = a_dataset(session)
    short = short_job(session, dataset_id)
    baseline = long_job(session, dataset_id, parts=2, priority=Priority.BASELINE)
    assert take_all(session, [short, baseline]) == [baseline] * 4 + [short] * 3


def test_the_demo_stands_behind_what_somebody_asked_for(session):
    dataset_id = a_dataset(session)
    demo = long_job(session, dataset_id, parts=2, priority=Priority.DEMO)
    hers = long_job(session, dataset_id)
    assert take_all(session, [demo, hers]) == [hers] * 5 + [demo] * 4
    demo_catalogue = replace(datasets.get(session, dataset_id), is_synthetic=True)
    assert planning.priority(demo_catalogue, specs.RidgeSpec()) is Priority.DEMO


def test_of_two_equal_jobs_the_first_ends_early_instead_of_both_late(session):
    dataset_id = a_dataset(session)
    first, second = long_job(session, dataset_id), long_job(session, dataset_id)
    assert take_all(session, [first, second]) == [first] * 5 + [second] * 5


def test_a_long_job_gets_its_turns_although_cheaper_ones_keep_coming(session):
    dataset_id = a_dataset(session)
    long = long_job(session, dataset_id)
    sent, seconds = send(session, [long]), {Step.FIT: 0.0, Step.PRICE: 60.0, Step.EVALUATE: 0.0}
    turn = [0]  # of the long one: the seconds that baselines had taken before each
    for done in range(200):  # there is always one that waits
        baseline = a_job(session, dataset_id, pieces=[[0]], seconds=seconds, priority=Priority.BASELINE)
        sent += send(session, [baseline])
        while jobs.get(session, baseline).state is JobState.RUNNING:
            taken = take(session, sent.pop(0))
            turn += [done * 60] if taken == long else []
            sent += send(session, [taken])
        if jobs.get(session, long).state is JobState.DONE:
            break
    waits = [after - before for before, after in pairwise(turn)]
    assert len(waits) == 5, "it starved"
    assert max(waits) <= 3 * turns.PATIENCE_SECONDS
    assert sum(waits) >= 3 * turns.PATIENCE_SECONDS, "it held up what is cheaper"


def test_a_turn_starts_the_waiting_anew(session):
    """Not all the chunks of a job that waited long go at once: between two of them others have theirs."""
    dataset_id = a_dataset(session)
    long = long_job(session, dataset_id)
    sent = send(session, [long])
    assert take(session, sent.pop()) == long  # its fit
    sent += send(session, [long])
    short = [short_job(session, dataset_id) for _ in range(3)]
    later(session, 10 * turns.PATIENCE_SECONDS)
    sent += send(session, short)
    assert [take(session, sent.pop()) for _ in range(2)] == [long, short[0]]


def test_a_long_wait_for_a_free_worker_does_not_bring_fits_before_the_pricing_of_what_is_fitted(session):
    """While a training holds the only worker everybody waits, and nobody was passed over."""
    dataset_id = a_dataset(session)
    made = [
        a_job(session, dataset_id, pieces=[[0]], seconds={Step.FIT: fit, Step.PRICE: 0.1, Step.EVALUATE: 0.1})
        for fit in (40.0, 1.0, 5.0)
    ]
    sent = send(session, made)
    later(session, 2 * turns.PATIENCE_SECONDS)
    taken = []
    while sent:
        taken.append(take(session, sent.pop()))
        sent += send(session, made)
    assert taken == [made[1]] * 3 + [made[2]] * 3 + [made[0]] * 3


def owned(session: Session, job_id: int, owner: str) -> int:
    jobs.change(session, job_id, owner=owner)
    return job_id


def take_some(session: Session, job_ids: Sequence[int], count: int) -> list[int]:
    """The jobs whose turn it was, `count` times."""
    sent = send(session, job_ids)
    taken: list[int] = []
    while len(taken) < count:
        job_id = take(session, sent.pop(0))
        taken.append(job_id)
        sent += send(session, [job_id])
    return taken


@pytest.mark.parametrize("hers_first", [True, False])
def test_one_with_a_job_does_not_wait_for_one_with_fifty(session, hers_first):
    """People take turns, and each has half of the time until one of them has nothing left."""
    dataset_id = a_dataset(session)
    his = [owned(session, long_job(session, dataset_id), "tom") for _ in range(50)]
    hers = owned(session, long_job(session, dataset_id), "mia")
    # A fit and an evaluation of hers take no time; beside each of her three parts he has one part, and his fits.
    taken = take_some(session, [hers, *his] if hers_first else [*his, hers], 16)
    assert taken.count(hers) == 5
    assert jobs.get(session, hers).state is JobState.DONE


def test_turns_are_counted_in_seconds(session):
    """One whose parts take four times as long has a fourth as many of them."""
    dataset_id = a_dataset(session)
    long = owned(session, long_job(session, dataset_id, parts=9), "tom")
    seconds = LONG | {Step.PRICE: 5.0}
    short = owned(session, a_job(session, dataset_id, pieces=[[p] for p in range(30)], seconds=seconds), "mia")
    taken = take_some(session, [long, short], 27)[2:]
    assert 3 <= taken.count(short) / taken.count(long) <= 5


def test_the_products_own_work_stands_behind_what_people_ask_for_and_is_not_shut_out(session):
    dataset_id = a_dataset(session)
    own, hers = long_job(session, dataset_id, parts=5), owned(session, long_job(session, dataset_id, parts=30), "mia")
    taken = take_some(session, [own, hers], 26)
    assert 2 <= taken.count(own) <= 5


def test_a_message_takes_work_of_its_own_queue_only(session):
    dataset_id = a_dataset(session)
    short, hosted = short_job(session, dataset_id), a_job(session, dataset_id, queue=Queue.ENDPOINT)
    [_, message] = send(session, [short, hosted])
    assert take(session, message) == hosted
    assert take(session, message) is None


def test_what_nobody_was_woken_for_is_left_to_the_message_that_will_come(session):
    dataset_id = a_dataset(session)
    long, short = long_job(session, dataset_id), short_job(session, dataset_id)
    [message] = send(session, [long])
    assert take(session, message) == long
    assert send(session, [short])


def test_two_workers_at_the_same_moment_get_different_chunks(database):
    with begin() as session:
        dataset_id = a_dataset(session)
        messages = send(session, [long_job(session, dataset_id), short_job(session, dataset_id)])
    found: list[int | None] = []
    with begin() as session:
        found.append(turns.first(session, messages[0]))

        def ask() -> None:
            with begin() as other:
                found.append(turns.first(other, messages[0]))

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(30)
    assert sorted(found) == sorted(messages)


@pytest.mark.parametrize("seed", range(4))
def test_messages_are_enough_for_all_chunks_in_whatever_order_they_arrive(session, seed):
    chance = Random(seed)
    dataset_id = a_dataset(session)
    made = [
        long_job(session, dataset_id, parts=chance.randint(1, 9), priority=chance.choice(list(Priority)))
        for _ in range(3)
    ]
    sent = send(session, made)
    while sent:
        assert take(session, sent.pop(chance.randrange(len(sent)))) is not None
        sent += send(session, made)
    assert {jobs.get(session, job_id).state for job_id in made} == {JobState.DONE}


def test_a_chunk_that_somebody_died_over_goes_before_shorter_work_and_is_sent_whatever_waits(database):
    with begin() as session:
        dataset_id = a_dataset(session)
        long = long_job(session, dataset_id, parts=chunks.MESSAGES_AHEAD + 3)
        [fit] = chunks.to_send(session, long)
        assert take(session, fit) == long
        [first, *_] = chunks.to_send(session, long)
        assert chunks.claim(session, first, "who will die", LEASE)
        chunks.to_send(session, long)  # as many as may lie in the queue
        short = short_job(session, dataset_id)
        assert chunks.to_send(session, short)
        session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 s' WHERE id = :id"), {"id": first})
        assert recovery.sweep(session, attempts=5, quiet_seconds=10, idle_queues=[]) == [long]
        assert chunks.to_send(session, long) == [first]
        assert turns.first(session, first) == first


def test_what_was_given_back_for_later_does_not_go_before_others(database):
    with begin() as session:
        dataset_id = a_dataset(session)
        long, short = long_job(session, dataset_id), short_job(session, dataset_id)
        [fit] = chunks.to_send(session, long)
        chunk = chunks.claim(session, fit, "me", LEASE)
        chunks.give_back(session, chunk)
        [asked] = chunks.to_send(session, long)
        [quick] = chunks.to_send(session, short)
        assert turns.first(session, asked) == quick


def test_after_the_clock_was_set_back_a_lost_message_and_a_dead_owner_are_noticed_as_before(database):
    with begin() as session:
        job_id = long_job(session, a_dataset(session))
        [fit] = chunks.to_send(session, job_id)
        session.execute(text("UPDATE chunks SET sent_at = sent_at + interval '1 hour' WHERE id = :id"), {"id": fit})
    with begin() as session:
        assert recovery.sweep(session, attempts=5, quiet_seconds=10, idle_queues=[Queue.CPU]) == [job_id]
        assert chunks.to_send(session, job_id) == [fit]
        assert chunks.claim(session, fit, "who dies", LEASE)
        session.execute(text("UPDATE chunks SET lease_until = now() + interval '1 hour' WHERE id = :id"), {"id": fit})
        recovery.sweep(session, attempts=5, quiet_seconds=10, idle_queues=[])
        left = "SELECT extract(epoch FROM lease_until - now()) FROM chunks WHERE id = :id"
        assert session.scalar(text(left), {"id": fit}) <= settings().lease_seconds
