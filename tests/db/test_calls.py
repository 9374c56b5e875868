"""Calls on their way: they stay under the cap, and what a dead process had sent is lost, and nothing else."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import text

from db import batches, calls, chunks, completions, job_progress, jobs
from db.completions import Answer, Claim
from db.engine import Session, begin
from db.presence import Presence
from tests.builders import a_dataset, a_job

CENT = Decimal("0.01")


@pytest.fixture
def me(database: str) -> Iterator[Presence]:
    """Whoever claims as "me" is there, until `end`."""
    presence = Presence("me")
    presence.keep()
    yield presence
    presence.end()


def _claim(key: str, job_id: int | None = None, usd: Decimal | None = CENT) -> Claim:
    return Claim(key, "e", "m", {"messages": []}, job_id, 0, usd)


def _capped(session: Session, cap: Decimal | None) -> int:
    job_id = a_job(session, a_dataset(session))
    jobs.set_cap(session, job_id, cap)
    return job_id


def test_calls_go_out_as_far_as_the_cap_has_room_for_the_most_they_may_cost(session):
    job_id = _capped(session, 3 * CENT)
    completions.claim(session, [_claim(key, job_id) for key in "abcde"], "me")

    assert calls.depart(session, "me", "ab") == ({"a", "b"}, set())
    gone, capped = calls.depart(session, "me", "cd")
    assert (len(gone), len(capped)) == (1, 1)
    completions.store(session, [Answer(key, {}, usd=CENT / 2) for key in ("a", "b")])
    assert calls.depart(session, "me", capped) == (capped, set())
    assert calls.depart(session, "me", "e") == (set(), {"e"})


def test_without_a_cap_or_a_job_everything_may_go_out(session):
    job_id = _capped(session, None)
    completions.claim(session, [_claim("a", job_id, usd=None), _claim("b", None)], "me")

    assert calls.depart(session, "me", "ab") == ({"a", "b"}, set())


def test_what_is_not_ones_own_any_more_may_not_go_out(session):
    completions.claim(session, [_claim("a")], "you")

    assert calls.depart(session, "me", "ab") == (set(), set())


def test_a_refused_call_makes_room_and_an_unanswered_one_takes_its_money_along(session):
    job_id = _capped(session, 2 * CENT)
    completions.claim(session, [_claim("a", job_id)], "me")
    calls.depart(session, "me", "a")
    calls.come_back(session, "me", "a")
    assert calls.depart(session, "me", "a") == ({"a"}, set())
    assert calls.depart(session, "me", "a", unanswered="a") == ({"a"}, set())

    assert jobs.get(session, job_id).lost_usd == CENT
    assert calls.depart(session, "me", "a", unanswered="a") == (set(), {"a"})
    assert jobs.get(session, job_id).spent_usd == 2 * CENT


def _wait_until_gone() -> None:
    """Until no sender is there: Postgres lets go of the lock of a closed connection when its process has ended."""
    last = time.monotonic() + 60
    while time.monotonic() < last:
        with begin() as session:
            if not completions.senders(session, "e"):
                return
        time.sleep(0.01)
    raise AssertionError("The sender is still there after a minute.")


def test_who_is_gone_loses_what_was_on_its_way_and_frees_the_rest_at_once(me):
    with begin() as session:
        job_id = _capped(session, CENT * 9)
        completions.claim(session, [_claim(key, job_id) for key in "abc"], "me")
        calls.depart(session, "me", "ab")
    with begin() as session:
        assert completions.claim(session, [_claim("a", job_id)], "you") == set()
        assert completions.senders(session, "e") == 1

    me.end()
    _wait_until_gone()

    with begin() as session:
        assert completions.claim(session, [_claim("b", job_id), _claim("c", job_id)], "you") == {"b", "c"}
        assert jobs.get(session, job_id).lost_usd == CENT
    with begin() as session:
        completions.bury(session)
        found = completions.look(session, "abc")
        assert found["a"].state == "lost"
        (progress,) = job_progress.of(session, [job_id])
    assert progress.lost_usd == progress.usd == 2 * CENT
    assert not progress.has_unknown_cost


def test_who_had_no_time_to_be_seen_by_a_postgres_that_started_anew_is_not_taken_for_dead(session):
    completions.claim(session, [_claim("a")], "me")
    started = "(SELECT pg_postmaster_start_time() + interval '29 seconds')"
    session.execute(text(f"UPDATE completions SET lease_until = greatest(now() + interval '1 second', {started})"))
    is_young = session.scalar(text(f"SELECT {started} > now()"))

    assert completions.claim(session, [_claim("a")], "you") == (set() if is_young else {"a"})


def test_a_call_of_unknown_price_that_is_lost_makes_the_cost_unknown(session):
    job_id = _capped(session, None)
    completions.claim(session, [_claim("a", job_id, usd=None)], "me")
    calls.depart(session, "me", "a")
    completions.bury(session)

    (progress,) = job_progress.of(session, [job_id])
    assert progress.has_unknown_cost
    assert progress.lost_usd == 0


def test_what_was_lost_stays_on_the_books_of_the_endpoint_when_the_call_is_made_again(session):
    for key in ("a", "b"):
        completions.claim(session, [_claim(key)], "me")
        calls.depart(session, "me", key)
        completions.bury(session)
    completions.claim(session, [_claim("a"), _claim("b")], "me")
    completions.store(session, [Answer("a", {}, usd=CENT)])
    completions.free(session, ["b"])

    (total,) = completions.totals(session).to_dicts()
    assert (total["calls"], total["usd"], total["lost_usd"], total["in_flight"]) == (1, 0.01, 0.02, 0)


def test_an_answer_that_comes_after_it_was_given_up_is_kept_and_paid(session):
    job_id = _capped(session, None)
    completions.claim(session, [_claim("a", job_id)], "me")
    calls.depart(session, "me", "a")
    completions.bury(session)

    assert completions.store(session, [Answer("a", {"text": "5"}, usd=CENT)]) == {"a"}
    assert completions.claim(session, [_claim("a", job_id)], "you") == set()
    assert jobs.get(session, job_id).spent_usd == 2 * CENT


def test_calls_of_a_batch_count_as_on_their_way_from_the_start(session):
    job_id = _capped(session, 3 * CENT)
    batch_id = batches.create(session, job_id=job_id, chunk_id=None, endpoint="e", model="m", token="t")
    completions.claim(session, [_claim("a", job_id), _claim("b", job_id)], "t", 60, batch_id)
    completions.claim(session, [_claim("c", job_id), _claim("d", job_id)], "me")

    gone, capped = calls.depart(session, "me", "cd")
    assert (len(gone), len(capped)) == (1, 1)


def test_what_is_set_aside_for_a_batch_stays_when_its_chunk_fails(session):
    job_id = a_job(session, a_dataset(session))
    (fit,) = chunks.to_send(session, job_id)
    chunk = chunks.claim(session, fit, "me", 15)
    assert chunk
    jobs.set_cap(session, job_id, CENT)
    assert chunks.reserve(session, chunk, CENT)
    batches.create(session, job_id=job_id, chunk_id=chunk.id, endpoint="e", model="m", token="t")
    chunks.fail(session, chunk, "It broke.", attempts=3)

    assert session.scalar(text("SELECT sum(reserved_usd) FROM chunks")) == CENT


def test_of_a_lost_call_only_its_money_stays_when_its_dataset_goes(session, me):
    job_id = _capped(session, None)
    call = Claim("a", "e", "m", {"messages": ["a secret lamp"]}, job_id, 0, CENT)
    completions.claim(session, [call], "me")
    calls.depart(session, "me", "a")
    calls.lose(session, "a")

    completions.forget(session, [job_id])

    assert "secret" not in str(session.execute(text("SELECT hash, request, response FROM completions")).all())
    assert completions.look(session, "a") == {}
    assert completions.totals(session)["lost_usd"].to_list() == [0.01]


def test_a_forgotten_call_that_is_asked_anew_keeps_its_answer(session, me):
    first, second = _capped(session, None), _capped(session, None)
    completions.claim(session, [_claim("a", first)], "somebody who died")
    completions.forget(session, [first])

    assert completions.claim(session, [_claim("a", second)], "me") == {"a"}
    completions.store(session, [Answer("a", {"text": "12"})])

    assert completions.look(session, "a")["a"].response == {"text": "12"}


def test_no_call_of_a_deleted_job_goes_out(session, me):
    completions.claim(session, [Claim("a", "e", "m", {}, 4711, 0, CENT)], "me")

    assert calls.depart(session, "me", "a") == (set(), {"a"})


def test_whose_connection_broke_is_there_again_at_the_next_word(me):
    with begin() as session:
        completions.claim(session, [_claim("a")], "me")
        ends = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        session.execute(text(ends))

    me.keep()

    with begin() as session:
        assert completions.awaited(session, "a") == {"a"}
