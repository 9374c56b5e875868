"""Batches bring every answer home once, at their own price, past expiries, errors and crashes."""

import time
from decimal import Decimal

import pytest

from db import batches, completions, jobs
from db.engine import begin
from db.types import JobState
from tests.builders import a_dataset, a_job
from tests.fake_openai.server import Handle
from tests.worker.llm.endpoint.calls import Watched, hosted, paying_jobs, some
from worker.llm.base import Reading, Readout
from worker.llm.endpoint import batch_api
from worker.llm.endpoint.model import PaidModel
from worker.progress import Defer, Pause

pytestmark = [pytest.mark.usefixtures("database", "forked_couriers"), pytest.mark.stack]

PRICES = {kind: Decimal(usd) for kind, usd in
          {"input": 2, "output": 4, "batch_input": 1, "batch_output": 2}.items()}  # fmt: skip


@pytest.fixture
def who() -> Watched:
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
        chunk = session.connection().exec_driver_sql(f"SELECT min(id) FROM chunks WHERE job_id = {job_id}").scalar()
    return Watched(job_id=job_id, chunk_id=chunk)


def _price(server: Handle, who: Watched, n: int, mode: str = "on", rounds: int = 12) -> list[Reading]:
    """As a worker does: try, lie down, poll, wake up."""
    for _ in range(rounds):
        try:
            return PaidModel("e:fast", batch=mode).price(some(n), Readout(), who)
        except Defer:
            deadline = time.monotonic() + 10
            while batch_api.poll() and time.monotonic() < deadline:
                time.sleep(0.05)
    raise AssertionError("the batches never came to an end")


def test_a_batch_answers_everything_at_its_own_price(who):
    with hosted(prices=PRICES) as server:
        readings = _price(server, who, 30)
        assert {entry.via for entry in server.requests} == {"batch"}
        assert not server.log.repeats()

    assert all(r.price and r.statistics for r in readings)
    paid = sum(r.spent.usd or 0 for r in readings)
    assert paid == pytest.approx(sum(r.spent.tokens_in + 2 * r.spent.tokens_out for r in readings) / 1e6)
    with begin() as session:
        assert float(jobs.get(session, who.job_id or 0).spent_usd) == pytest.approx(paid)
        (batch,) = batches.of_job(session, who.job_id or 0)
    assert (batch.state, batch.requests, batch.answered) == ("done", 30, 30)


def test_what_a_batch_answered_is_reused_by_a_direct_job_and_the_other_way_round(who):
    before, after = paying_jobs(2)
    with hosted(prices=PRICES) as server:
        PaidModel("e:fast").price(some(3), Readout(), Watched(job_id=before))
        _price(server, who, 6)
        assert len(server.requests) == 6
        readings = PaidModel("e:fast").price(some(6), Readout(), Watched(job_id=after))
        assert len(server.requests) == 6
    assert all(r.spent.usd == 0 for r in readings)


def test_what_is_lost_is_asked_by_another_batch_and_nothing_twice(who):
    with hosted(prices=PRICES, batching={"lost_share": 0.4}) as server:
        with pytest.raises(Defer):
            PaidModel("e:fast", batch="on").price(some(30), Readout(), who)
        while batch_api.poll():
            time.sleep(0.05)
        server.change(batching={"lost_share": 0.0})
        readings = _price(server, who, 30)
        with begin() as session:
            requests = [batch.requests for batch in batches.of_job(session, who.job_id or 0)]
            job = jobs.get(session, who.job_id or 0)

    assert all(r.price for r in readings)
    assert 0 < job.lost_usd < job.spent_usd, "a batch that is complete may charge for what it does not bring"
    assert requests[0] == 30
    assert 0 < requests[1] < 30


def test_after_three_batches_what_is_left_is_an_error_of_its_row(who):
    with hosted(prices=PRICES, batching={"lost_share": 1.0}) as server:
        readings = _price(server, who, 3)

    assert all("3 batches" in str(r.error) for r in readings)


def test_then_direct_asks_the_rest_one_by_one(who):
    with hosted(prices=PRICES, batching={"lost_share": 0.5}) as server:
        readings = _price(server, who, 20, "then-direct")
        assert {entry.via for entry in server.requests} == {"batch", "direct"}

    assert all(r.price for r in readings)


def test_errors_of_lines_are_errors_of_rows(who):
    with hosted(prices=PRICES, batching={"fail_share": 0.5}) as server:
        readings = _price(server, who, 20)

    failed = [r for r in readings if r.error]
    assert 0 < len(failed) < 20
    assert all("batch brought an error" in str(r.error) for r in failed)


def test_an_expired_batch_keeps_what_it_had(who):
    with hosted(prices=PRICES, batching={"in_progress": 3600.0, "expires_after": 0.1}) as server:
        with pytest.raises(Defer):
            PaidModel("e:fast", batch="on").price(some(5), Readout(), who)
        deadline = time.monotonic() + 10
        while batch_api.poll() and time.monotonic() < deadline:
            time.sleep(0.05)
        server.change(batching={"in_progress": 0.05, "expires_after": None})
        readings = _price(server, who, 5)

    assert all(r.price for r in readings)
    with begin() as session:
        assert [b.state for b in batches.of_job(session, who.job_id or 0)] == ["failed", "done"]


def test_a_crash_between_creating_a_batch_and_noting_its_id_pays_once(who):
    with hosted(prices=PRICES) as server:
        with pytest.raises(Defer):
            PaidModel("e:fast", batch="on").price(some(4), Readout(), who)
        with begin() as session:  # as if we had died before the id was written, some minutes ago
            session.connection().exec_driver_sql(
                "UPDATE batches SET remote_id = NULL, state = 'sending', polled_at = now() - interval '10 minutes'"
            )
        readings = _price(server, who, 4)

        assert all(r.price for r in readings)
        assert not server.log.repeats()


def test_a_refused_batch_says_why(who):
    with hosted(prices=PRICES, batching={"refuse": "token_limit_exceeded"}) as server:
        readings = _price(server, who, 2)

    with begin() as session:
        told = str(batches.of_job(session, who.job_id or 0)[-1].error).rstrip(".")
    assert all(told in str(r.error) for r in readings)
    with begin() as session:
        assert all(b.error for b in batches.of_job(session, who.job_id or 0))
        assert completions.look(session, []) == {}


def test_what_a_dead_courier_left_behind_is_handed_in_not_waited_for(who):
    with hosted(prices=PRICES) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        with begin() as session:  # as if a courier had been killed with its machine while it asked this
            session.connection().exec_driver_sql(
                "UPDATE completions SET state = 'sent', owner = 'gone', lease_until = now() - interval '1 hour'"
            )
        readings = _price(server, who, 3)

    assert all(r.price for r in readings)


def test_a_batch_of_a_cancelled_job_is_not_handed_in_any_more(who):
    with hosted(prices=PRICES, key="right") as server:
        with pytest.raises(Pause, match="refuses the key"):
            PaidModel("e:fast", batch="on").price(some(2), Readout(), who)
        with begin() as session:
            jobs.set_state(session, who.job_id or 0, JobState.CANCELLED, among=[JobState.RUNNING])
        server.change(key=None)

        assert batch_api.poll() == 0
        with begin() as session:
            (batch,) = batches.of_job(session, who.job_id or 0)
        assert batch.remote_id is None
        assert "cancelled" in str(batch.error)
