"""Calls by hash: claimed by one, answered once, and paid by the right job."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import batches, completions, jobs
from db.completions import Answer, Claim
from db.presence import Presence
from tests.builders import a_dataset, a_job


def _claim(key: str, job_id: int | None = None, row: int = 0) -> Claim:
    return Claim(key, "e", "m", {"messages": []}, job_id, row)


@pytest.fixture
def me(database: str) -> Iterator[Presence]:
    """Whoever claims as "me" is there, until `end`."""
    presence = Presence("me")
    presence.keep()
    yield presence
    presence.end()


def test_a_call_is_claimed_by_one(session, me):
    assert completions.claim(session, [_claim("a"), _claim("b")], "me", 60) == {"a", "b"}
    assert completions.claim(session, [_claim("a"), _claim("c")], "you", 60) == {"c"}


def test_a_claim_whose_lease_ran_out_goes_to_the_next(session, me):
    completions.claim(session, [_claim("a"), _claim("b")], "me", -1)
    completions.extend(session, "me", 60)
    session.connection().exec_driver_sql("UPDATE completions SET lease_until = now() - interval '1 s' WHERE hash = 'b'")

    assert completions.claim(session, [_claim("a"), _claim("b")], "you", 60) == {"b"}


def test_an_answer_is_stored_once_and_its_job_pays_once(session):
    job_id = a_job(session, a_dataset(session))
    completions.claim(session, [_claim("a", job_id, 7)], "me", 60)
    answer = Answer("a", {"text": "4\0\ud8000"}, 10, 2, 3, Decimal("0.25"), 0.5)

    assert completions.store(session, [answer]) == {"a"}
    assert completions.store(session, [answer]) == set()
    assert completions.claim(session, [_claim("a")], "you", 60) == set()

    stored = completions.look(session, ["a", "b"])["a"]
    assert (stored.state, stored.response, stored.row, stored.usd) == ("done", {"text": "4?0"}, 7, 0.25)
    assert jobs.get(session, job_id).spent_usd == Decimal("0.25")


def test_an_unknown_price_is_counted_not_added(session):
    completions.claim(session, [_claim("a"), _claim("b")], "me", 60)
    completions.store(session, [Answer("a", {}, usd=None), Answer("b", {}, usd=Decimal(1))])

    (total,) = completions.totals(session).to_dicts()
    assert (total["calls"], total["usd"], total["unknown_costs"]) == (2, 1.0, 1)


def test_what_was_not_answered_can_be_freed_by_its_owner_only(session, me):
    completions.claim(session, [_claim("a")], "me", 60)

    completions.free(session, ["a"], "you")
    assert completions.senders(session, "e") == 1
    completions.free(session, ["a"], "me")
    assert completions.look(session, ["a"]) == {}


def test_a_failed_line_of_a_batch_may_be_asked_again(session):
    completions.claim(session, [_claim("a")], "batch", 60, 5)
    completions.store(session, [Answer("a", {"error": "no"}, failed=True)])

    assert completions.claim(session, [_claim("a")], "you", 60) == {"a"}


_json = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.slow
@given(_json)
def test_whatever_an_endpoint_sends_can_be_kept(value):
    text = str(completions.clean(value))

    assert "\\x00" not in text
    text.encode()


def test_a_call_in_a_batch_that_is_out_is_not_asked_by_another_however_long_it_takes(session):
    job_id = a_job(session, a_dataset(session))
    batch_id = batches.create(session, job_id=job_id, chunk_id=None, endpoint="e", model="m", token="t")
    completions.claim(session, [_claim("a")], "batch", -1, batch_id)

    assert completions.awaited(session, ["a"]) == {"a"}
    assert completions.claim(session, [_claim("a")], "you", 60) == set()
    batches.finish(session, batch_id, "done")
    assert completions.awaited(session, ["a"]) == set()
    assert completions.claim(session, [_claim("a")], "you", 60) == {"a"}


def test_numbers_that_json_does_not_know_are_kept_as_nothing(session):
    completions.claim(session, [_claim("a")], "me", 60)
    completions.store(session, [Answer("a", {"x": [float("-inf"), float("nan"), 1.5]})])

    assert completions.look(session, ["a"])["a"].response == {"x": [None, None, 1.5]}
