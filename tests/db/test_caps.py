"""A cap holds over all workers at once, whatever dies in between; on a real Postgres."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import text

from db import batches, calls, chunks, completions, job_progress, jobs, predictions, recovery
from db.completions import Answer, Claim
from db.engine import Session, begin
from db.errors import NotFound
from db.types import Chunk, JobState, Queue
from tests.builders import a_dataset, a_job, some_predictions

CENT = Decimal("0.01")


def a_capped_job(session: Session, cap: Decimal | None, pieces: int = 4) -> list[Chunk]:
    """Its price chunks, each claimed as by a worker of its own."""
    job_id = a_job(session, a_dataset(session), pieces=[(i,) for i in range(pieces)])
    jobs.set_cap(session, job_id, cap)
    [fit] = chunks.to_send(session, job_id)
    fitting = chunks.claim(session, fit, "me", 15)
    assert fitting
    assert chunks.finish(session, fitting, chunks.Tally())
    claimed = [
        chunks.claim(session, chunk_id, f"worker {chunk_id}", 15) for chunk_id in chunks.to_send(session, job_id)
    ]
    return [chunk for chunk in claimed if chunk]


def spend(session: Session, chunk: Chunk, usd: Decimal) -> None:
    session.execute(
        text("UPDATE jobs SET spent_usd = spent_usd + :usd WHERE id = :job"), {"usd": usd, "job": chunk.job_id}
    )


def test_what_workers_set_aside_together_stays_under_the_cap(session):
    a, b, c, _ = a_capped_job(session, 10 * CENT)
    assert chunks.reserve(session, a, 4 * CENT)
    assert chunks.reserve(session, b, 4 * CENT)
    assert not chunks.reserve(session, c, 4 * CENT)
    assert chunks.reserve(session, c, 2 * CENT)


def test_a_second_reservation_replaces_the_first(session):
    a, *_ = a_capped_job(session, 10 * CENT)
    assert chunks.reserve(session, a, 8 * CENT)
    assert chunks.reserve(session, a, 9 * CENT)


def test_spent_money_counts_beside_what_is_set_aside(session):
    a, b, *_ = a_capped_job(session, 10 * CENT)
    spend(session, a, 7 * CENT)
    assert chunks.reserve(session, a, 2 * CENT)
    assert not chunks.reserve(session, b, 2 * CENT)


def test_setting_nothing_aside_is_always_allowed(session):
    a, *_ = a_capped_job(session, CENT)
    spend(session, a, 2 * CENT)
    assert chunks.reserve(session, a, Decimal(0))


def test_without_a_cap_anything_may_be_set_aside(session):
    a, *_ = a_capped_job(session, None)
    assert chunks.reserve(session, a, Decimal(10_000))


@pytest.mark.parametrize("ending", ["finished", "given back", "claimed anew after a crash"])
def test_what_a_chunk_had_set_aside_is_free_again_when_it_is(session, ending):
    a, b, *_ = a_capped_job(session, 10 * CENT)
    assert chunks.reserve(session, a, 10 * CENT)
    assert not chunks.reserve(session, b, CENT)
    if ending == "finished":
        assert chunks.finish(session, a, chunks.Tally())
    elif ending == "given back":
        chunks.give_back(session, a)
    else:
        session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 s' WHERE id = :id"), {"id": a.id})
        recovery.sweep(session, attempts=5, quiet_seconds=10, idle_queues=())
        assert chunks.claim(session, a.id, "another", 15)
    assert chunks.reserve(session, b, CENT)


def test_workers_that_ask_at_the_same_moment_do_not_get_the_same_money(database):
    with begin() as session:
        claimed = a_capped_job(session, 10 * CENT)

    def ask(chunk: Chunk) -> bool:
        with begin() as session:
            return chunks.reserve(session, chunk, 6 * CENT)

    with ThreadPoolExecutor(len(claimed)) as pool:
        assert sum(pool.map(ask, claimed)) == 1


def test_a_paused_job_says_why_and_hands_out_nothing(session):
    a, *_ = a_capped_job(session, 10 * CENT)
    jobs.pause(session, a.job_id, "The cap of $0.10 is reached.")
    chunks.give_back(session, a)
    assert jobs.get(session, a.job_id).state is JobState.PAUSED
    assert jobs.get(session, a.job_id).error == "The cap of $0.10 is reached."
    assert chunks.to_send(session, a.job_id) == []


def test_a_deferred_chunk_waits_until_it_is_woken(session):
    a, *_ = a_capped_job(session, None)
    chunks.give_back(session, a, after_seconds=3600)
    assert a.id not in chunks.to_send(session, a.job_id)
    assert chunks.claim(session, a.id, "me", 15) is None
    chunks.wake_chunk(session, a.id)
    assert chunks.claim(session, a.id, "me", 15)


def test_what_unfinished_tries_went_through_is_kept(session):
    a, *_ = a_capped_job(session, None)
    chunks.book_trouble(session, a, retries=2, rate_limit_waits=1, waited_seconds=0.5)
    chunks.give_back(session, a)
    again = chunks.claim(session, a.id, "me", 15)
    assert again
    assert chunks.finish(session, again, chunks.Tally(retries=3, tokens_in=10, saved_usd=CENT, unknown_costs=1))
    [progress] = job_progress.of(session, [a.job_id])
    assert (progress.retries, progress.rate_limit_waits, progress.waited_seconds) == (5, 1, 0.5)
    assert (progress.tokens_in, progress.saved_usd, progress.has_unknown_cost) == (10, CENT, True)


def test_a_chunk_that_gets_further_with_every_try_is_not_given_up_on_an_endpoint(session):
    job_id = a_job(session, a_dataset(session), queue=Queue.ENDPOINT)
    for done in range(1, 8):
        [chunk_id] = chunks.to_send(session, job_id)
        chunk = chunks.claim(session, chunk_id, "me", 15)
        assert chunk
        assert chunks.beat(session, chunk, -1, done)
        recovery.sweep(session, attempts=3, quiet_seconds=10, idle_queues=())
    assert jobs.get(session, job_id).state is JobState.RUNNING


def test_a_chunk_that_dies_at_the_same_place_again_and_again_is_given_up(session):
    job_id = a_job(session, a_dataset(session), queue=Queue.ENDPOINT)
    for _ in range(4):
        [chunk_id] = chunks.to_send(session, job_id)
        chunk = chunks.claim(session, chunk_id, "me", 15)
        assert chunk
        assert chunks.beat(session, chunk, -1, 5)
        recovery.sweep(session, attempts=3, quiet_seconds=10, idle_queues=())
    assert jobs.get(session, job_id).state is JobState.FAILED


def test_money_is_shown_as_it_is_spent_not_only_when_a_chunk_is_done(session):
    a, *_ = a_capped_job(session, 10 * CENT)
    spend(session, a, 3 * CENT)
    [progress] = job_progress.of(session, [a.job_id])
    assert progress.usd == 3 * CENT
    assert progress.cap_usd == 10 * CENT


def _batch_out(session: Session, chunk: Chunk) -> int:
    return batches.create(session, job_id=chunk.job_id, chunk_id=chunk.id, endpoint="e", model="m", token="t")


@pytest.mark.parametrize("ending", ["deferred and claimed again", "given back with the job paused"])
def test_what_is_set_aside_for_a_batch_stays_until_the_batch_ends(session, ending):
    a, b, *_ = a_capped_job(session, 10 * CENT)
    assert chunks.reserve(session, a, 10 * CENT)
    batch_id = _batch_out(session, a)
    if ending == "deferred and claimed again":
        chunks.give_back(session, a, after_seconds=3600)
        chunks.wake_chunk(session, a.id)
        assert chunks.claim(session, a.id, "another", 15)
    else:
        jobs.pause(session, a.job_id, "The key is refused.")
        chunks.give_back(session, a)
        jobs.set_state(session, a.job_id, JobState.RUNNING, among=[JobState.PAUSED])
    assert not chunks.reserve(session, b, CENT)

    batches.finish(session, batch_id, "done")
    jobs.pause(session, a.job_id, "The cap is reached.")
    session.execute(text("UPDATE chunks SET state = 'waiting' WHERE id = :id"), {"id": a.id})
    jobs.set_state(session, a.job_id, JobState.RUNNING, among=[JobState.PAUSED])
    assert chunks.reserve(session, b, CENT)


def test_what_a_dead_worker_had_set_aside_is_free_when_the_job_is_resumed(session):
    a, b, *_ = a_capped_job(session, 10 * CENT)
    assert chunks.reserve(session, a, 10 * CENT)
    session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 s' WHERE id = :id"), {"id": a.id})
    recovery.sweep(session, attempts=5, quiet_seconds=10, idle_queues=())
    assert not chunks.reserve(session, b, CENT)
    jobs.pause(session, a.job_id, "The cap is reached.")
    jobs.set_state(session, a.job_id, JobState.RUNNING, among=[JobState.PAUSED])
    assert chunks.reserve(session, b, CENT)


def a_stalled_call(session: Session, chunk: Chunk, usd: Decimal) -> None:
    """A call of the chunk on its way, whose caller then stalls until the chunk's lease is over; its own still runs."""
    [row] = chunk.rows
    assert chunks.reserve(session, chunk, usd)
    call = Claim(f"call {row}", "e", "m", {"messages": []}, chunk.job_id, row, usd)
    assert completions.claim(session, [call], "stalled") == {call.hash}
    assert calls.depart(session, "stalled", [call.hash]) == ({call.hash}, set())
    session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 s' WHERE id = :id"), {"id": chunk.id})
    recovery.sweep(session, attempts=5, quiet_seconds=10, idle_queues=())


def test_a_call_whose_caller_stalled_counts_until_it_is_booked(session):
    """The cap is 10 cents, 9 may be on their way: no other worker is given more than one, whatever the lease says."""
    a, b, *_ = a_capped_job(session, 10 * CENT)
    a_stalled_call(session, a, 9 * CENT)
    again = chunks.claim(session, a.id, "another", 15)
    assert again
    assert not chunks.reserve(session, b, 2 * CENT)
    assert chunks.reserve(session, b, CENT)
    assert chunks.reserve(session, again, CENT)  # of its own: the nine are among what stays set aside
    assert not chunks.reserve(session, b, 2 * CENT)
    assert chunks.reserve(session, again, Decimal(0))
    assert not chunks.reserve(session, b, 2 * CENT)

    completions.store(session, [Answer("call 0", {}, usd=3 * CENT)])
    assert chunks.reserve(session, again, Decimal(0))
    assert chunks.reserve(session, b, 7 * CENT)
    assert not chunks.reserve(session, b, 8 * CENT)


@pytest.mark.parametrize("end", ["fail", "give back", "resume"])
def test_it_counts_too_when_who_took_the_chunk_over_lets_it_go(session, end):
    a, b, *_ = a_capped_job(session, 10 * CENT)
    a_stalled_call(session, a, 9 * CENT)
    again = chunks.claim(session, a.id, "another", 15)
    assert again
    if end == "fail":
        chunks.fail(session, again, "It broke.", attempts=3)
    else:
        chunks.give_back(session, again)
    if end == "resume":
        jobs.pause(session, a.job_id, "The cap is reached.")
        jobs.set_state(session, a.job_id, JobState.RUNNING, among=[JobState.PAUSED])
    assert not chunks.reserve(session, b, 2 * CENT)


def test_who_stalled_is_given_no_money_when_the_chunk_is_in_other_hands(session):
    a, *_ = a_capped_job(session, 10 * CENT)
    session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 s' WHERE id = :id"), {"id": a.id})
    recovery.sweep(session, attempts=5, quiet_seconds=10, idle_queues=())
    assert chunks.claim(session, a.id, "another", 15)
    with pytest.raises(NotFound, match="taken part"):
        chunks.reserve(session, a, CENT)


def test_what_failed_rows_paid_is_on_the_bill_once_after_a_retry(session):
    job_id = a_job(session, a_dataset(session), pieces=[(0, 1)], queue=Queue.ENDPOINT)
    for step in range(3):
        (chunk_id,) = chunks.to_send(session, job_id)
        chunk = chunks.claim(session, chunk_id, "me", 15)
        assert chunk
        if step == 1:
            predictions.add(session, job_id, some_predictions([0]))
            predictions.add(session, job_id, some_predictions([1], status="failed"))
        tally = chunks.Tally(items=2, failed=1, usd=Decimal("0.002"), tokens_in=0) if step == 1 else chunks.Tally()
        assert chunks.finish(session, chunk, tally)
    session.execute(text("UPDATE jobs SET spent_usd = 0.002 WHERE id = :job"), {"job": job_id})
    assert recovery.reopen_failed(session, job_id) == 1
    jobs.set_state(session, job_id, JobState.RUNNING, among=[JobState.DONE])
    (chunk_id,) = chunks.to_send(session, job_id)
    again = chunks.claim(session, chunk_id, "me", 15)
    assert again
    assert chunks.finish(session, again, chunks.Tally(items=1, usd=Decimal("0.001")))  # its answer was stored

    (progress,) = job_progress.of(session, [job_id])
    assert progress.usd == Decimal("0.002")
