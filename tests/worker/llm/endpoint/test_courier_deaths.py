"""When a courier is killed in mid-flight, the cap holds at the endpoint's own bill, and all of it is booked.

The courier is the real process, killed with -9; the bill is the endpoint's, of every answer it began.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import psutil
import pytest
from sqlalchemy import text

from db import completions, job_progress, jobs, rates
from db.engine import begin
from db.types import Job, JobState
from tests.builders import a_dataset, a_job
from tests.fake_openai.server import Handle
from tests.worker.conftest import drain
from tests.worker.llm.endpoint.calls import Watched, hosted, some
from worker import running, specs
from worker.llm.base import Readout
from worker.llm.endpoint import client
from worker.llm.endpoint.model import PaidModel
from worker.pricing import actions

PER_MILLION = Decimal(10)
PRICES = {"input": PER_MILLION, "output": PER_MILLION}
PATIENCE_SECONDS = 120

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.stack]


def _wait(condition) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def _couriers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "worker.llm.endpoint.courier" in child.cmdline()]


@contextmanager
def _killing(server: Handle, times: int) -> Iterator[list[int]]:
    """Kills the courier so often while calls are on their way; gives how many were, each time."""
    kills: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while len(kills) < times and not over.wait(0.005):
            under_way = server.log.in_flight
            if under_way >= 2:
                for courier in _couriers():
                    courier.kill()
                kills.append(under_way)
                while server.log.in_flight and not over.wait(0.005):
                    pass

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield kills
    finally:
        over.set()
        killer.join()


def _job(job_id: int) -> Job:
    with begin() as session:
        return jobs.get(session, job_id)


def _start(sent: list[int], cap: Decimal) -> int:
    """A job of 40 rows, of which the model has answered one question before."""
    PaidModel("e:fast").price(some(1), Readout(), Watched())
    with begin() as session:
        dataset_id = a_dataset(session, 400)
    (job_id,) = actions.start(dataset_id, [specs.parse({"technique": "zero-shot", "model": "e:fast"})], cap_usd=cap)
    return job_id


def _work(job_id: int, sent: list[int]) -> None:
    """Until the job is over or pauses, as a worker and the sweeper do together."""
    until = time.monotonic() + PATIENCE_SECONDS
    while _job(job_id).state is JobState.RUNNING:
        assert time.monotonic() < until
        drain(sent)
        running.sweep()
        time.sleep(0.05)


@pytest.mark.parametrize("cap", [Decimal("0.02"), Decimal(1)])
def test_a_cap_holds_at_the_endpoints_own_bill_however_often_the_courier_is_killed(sent, cap):
    with hosted(prices=PRICES, latency_ms=200, max_concurrency=6) as server:
        job_id = _start(sent, cap)
        server.log.clear()
        with _killing(server, times=3) as kills:
            _work(job_id, sent)
        _wait(lambda: not server.log.in_flight)
        billed = server.log.bill(PER_MILLION)

    job = _job(job_id)
    assert kills
    assert job.state is (JobState.DONE if cap == 1 else JobState.PAUSED)
    assert billed <= cap
    assert job.spent_usd >= billed, "what was answered and what was lost are on the books together"
    assert 0 < job.lost_usd <= job.spent_usd
    with begin() as session:
        (progress,) = job_progress.of(session, [job_id])
    machine = rates.of_work(job, job.fixed_seconds)  # of this machine, while it asked about calibration rows
    assert progress.usd == pytest.approx(job.spent_usd + machine, abs=Decimal("1e-9"))
    assert progress.lost_usd == job.lost_usd


def test_what_was_claimed_but_not_sent_is_free_at_once_and_costs_nothing():
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
    with hosted(prices=PRICES, latency_ms=3_000, max_concurrency=2) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        asking = threading.Thread(
            target=lambda: PaidModel("e:fast").price(some(12, first=1), Readout(), Watched(job_id=job_id))
        )
        asking.start()
        _wait(lambda: server.log.in_flight == 2)
        with begin() as session:
            (most,) = session.scalars(text("SELECT max(most_usd) FROM completions"))
        (courier,) = _couriers()
        courier.kill()
        courier.wait()
        server.change(latency_ms=1)
        asking.join()
        asked = [entry.sha256 for entry in server.requests]

    job = _job(job_id)
    assert 0 < job.lost_usd <= 2 * most, "only what was on its way"
    assert len(asked) == 1 + 12 + 2
    assert len(set(asked)) == 1 + 12


def test_a_try_that_was_given_up_unanswered_is_lost_and_one_that_was_refused_is_not():
    with begin() as session:
        lost, refused = (a_job(session, a_dataset(session)) for _ in range(2))
    with hosted(prices=PRICES, timeout_seconds=2.0, slow_seconds=6.0) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        server.trouble("silence", times=1, match="number 3<")
        PaidModel("e:fast").price(some(5, first=1), Readout(), Watched(job_id=lost))
        server.trouble("500", "429", match="number 8<")
        PaidModel("e:fast").price(some(5, first=6), Readout(), Watched(job_id=refused))
        _wait(lambda: not server.log.in_flight)

    assert _job(lost).lost_usd > 0
    assert _job(refused).lost_usd == 0
    with begin() as session:
        (total,) = completions.totals(session).to_dicts()
    assert total["lost_usd"] == pytest.approx(float(_job(lost).lost_usd))


def test_every_try_of_a_request_bears_the_same_key_and_a_fresh_sample_another():
    with hosted() as server:
        server.trouble("500", times=2)
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        PaidModel("e:fast", sample=1).price(some(1), Readout(), Watched())
        keys = [entry.headers["idempotency-key"] for entry in server.requests]

    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


def test_an_endpoint_that_honours_keys_charges_a_request_once_though_its_answer_got_lost():
    with hosted(honours_keys=True, latency_ms=1_500) as server:
        server.change(latency_ms=0)
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        server.change(latency_ms=1_500)
        asking = threading.Thread(target=lambda: PaidModel("e:fast").price(some(3, first=1), Readout(), Watched()))
        asking.start()
        _wait(lambda: server.log.in_flight == 3)
        for running_ in client._running.values():
            os.kill(running_.process.pid, signal.SIGKILL)
        asking.join()

        assert server.log.counts()["paid"] == 4
        assert len(server.requests) == 7
