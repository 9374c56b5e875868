"""Batches: handed in by one, and counted rightly when they end."""

import pytest

from db import batches, completions
from db.completions import Answer, Claim
from tests.builders import a_dataset, a_job


@pytest.fixture
def job_id(session) -> int:
    return a_job(session, a_dataset(session))


def _batch(session, job_id: int, n: int = 2) -> int:
    batch_id = batches.create(session, job_id=job_id, chunk_id=None, endpoint="e", model="m", token="t")
    claims = [Claim(f"{batch_id}-{i}", "e", "m", {"i": i}, job_id, i) for i in range(n)]
    completions.claim(session, claims, "t", 60, batch_id)
    batches.change(session, batch_id, requests=n)
    return batch_id


def test_one_hands_it_in_and_another_only_after_the_first_died(session, job_id):
    batch_id = _batch(session, job_id)

    assert batches.take(session, batch_id)
    assert not batches.take(session, batch_id)
    session.connection().exec_driver_sql("UPDATE batches SET polled_at = now() - interval '1 hour'")
    assert batches.take(session, batch_id)


def test_what_it_left_unanswered_is_counted(session, job_id):
    batch_id = _batch(session, job_id)
    completions.store(session, [Answer(f"{batch_id}-0", {})])

    batches.finish(session, batch_id, "done")

    assert batches.get(session, batch_id).answered == 1
    assert batches.incomplete(session, job_id, None) == 1
    assert list(completions.of_batch(session, batch_id)) == [f"{batch_id}-1"]
    assert batches.open_(session) == []
