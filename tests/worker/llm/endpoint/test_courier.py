"""The courier brings every answer home: past troubles, limits, other couriers, and the death of its worker."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from decimal import Decimal

import pytest

from db import completions, jobs
from db.completions import Stored
from db.engine import begin
from db.settings import settings
from db.types import Endpoint, Tariff
from tests.builders import a_dataset, a_job
from tests.worker.llm.endpoint.calls import DOLLAR_A_TOKEN, Watched, hosted, paying_jobs, some
from worker.llm.base import Readout
from worker.llm.endpoint import client
from worker.llm.endpoint.courier import Courier
from worker.llm.endpoint.model import PaidModel
from worker.progress import Cancelled, Pause

pytestmark = [pytest.mark.usefixtures("database", "forked_couriers"), pytest.mark.stack]


def _totals() -> dict[str, int]:
    with begin() as session:
        rows = completions.totals(session).to_dicts()
    return rows[0] if rows else {"calls": 0, "in_flight": 0}


@pytest.mark.parametrize("kind", ["429", "500", "502", "503", "408", "409", "drop", "hang_up", "invalid_json"])
def test_what_may_pass_is_tried_again(kind):
    with hosted() as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        server.trouble(kind, times=2, match="thing number 5<")
        progress = Watched()
        readings = PaidModel("e:fast").price(some(10), Readout(), progress)

    assert all(reading.price for reading in readings)
    assert progress.troubles.retries == 2
    assert progress.troubles.rate_limit_waits == (2 if kind == "429" else 0)


@pytest.mark.parametrize(("kind", "sentence"), [
    ("401", "refuses the key"), ("403", "refuses the key"), ("404", "does not know the model 'fast'"),
    ("429_quota", "no credit left"),
])  # fmt: skip
def test_what_no_call_survives_pauses_with_a_reason_and_resumes(kind, sentence):
    with hosted() as server:
        PaidModel("e:fast").price(some(3), Readout(), Watched())
        server.trouble(kind, times=-1)
        with pytest.raises(Pause, match=sentence):
            PaidModel("e:fast").price(some(200), Readout(), Watched())
        assert len(server.requests) <= 3 + 64
        server.settings.script.clear()
        readings = PaidModel("e:fast").price(some(200), Readout(), Watched())

        assert all(reading.price for reading in readings)
        assert not server.log.repeats(paid=True)


def test_a_server_that_is_gone_pauses_the_job():
    with hosted(timeout_seconds=2.0) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        server.trouble("hang_up", times=-1)
        with pytest.raises(Pause, match="can't be reached.*Resume when"):
            PaidModel("e:fast").price(some(6), Readout(), Watched())


def test_one_request_that_always_fails_fails_alone():
    with hosted() as server:
        server.trouble("500", times=-1, match="thing number 7<")
        readings = PaidModel("e:fast").price(some(12), Readout(), Watched())

    assert [i for i, reading in enumerate(readings) if reading.error] == [7]
    assert "tried 6 times" in str(readings[7].error)


def test_a_silent_endpoint_is_given_up_after_the_time_limit():
    with hosted(timeout_seconds=1.0, slow_seconds=4.0) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        server.trouble("silence", times=1, match="number 3<")
        progress = Watched()
        readings = PaidModel("e:fast").price(some(5), Readout(), progress)

    assert all(reading.price for reading in readings)
    assert progress.troubles.retries >= 1  # without a limit the answer would have come in the end


def test_an_allowed_rate_is_found_and_hardly_passed():
    with hosted(rps=40, burst=5, latency_ms=50) as server:
        progress = Watched()
        readings = PaidModel("e:fast").price(some(120), Readout(), progress)

        assert all(reading.price for reading in readings)
        assert server.log.counts()["statuses"].get("429", 0) <= 20
        assert not server.log.repeats(paid=True)


def test_money_is_set_aside_before_and_booked_with_the_answer():
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
    with hosted(prices=DOLLAR_A_TOKEN):
        progress = Watched(job_id=job_id)
        readings = PaidModel("e:fast").price(some(40), Readout(), progress)
    paid = sum(reading.spent.usd or 0 for reading in readings)

    with begin() as session:
        assert float(jobs.get(session, job_id).spent_usd) == pytest.approx(paid)
    assert max(progress.reserved) > paid / 40 * 30, "an upper bound of what is under way"
    assert progress.reserved[-1] == 0


def test_a_cap_stops_before_it_is_passed_and_keeps_what_was_answered():
    with hosted(prices=DOLLAR_A_TOKEN) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        with pytest.raises(Pause, match="cap"):
            PaidModel("e:fast").price(some(10, "lamp"), Readout(), Watched(cap=Decimal(10)))
        assert len(server.requests) == 1


def test_a_cap_can_not_be_kept_without_a_price():
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
        session.connection().exec_driver_sql(f"UPDATE jobs SET cap_usd = 1 WHERE id = {job_id}")
    with hosted(prices=None), pytest.raises(Pause, match="Nobody knows what e:fast costs"):
        PaidModel("e:fast").price(some(1), Readout(), Watched(job_id=job_id))


def test_a_cancel_drops_what_was_not_sent():
    class Impatient(Watched):
        def advance(self, n: int = 1) -> None:
            super().advance(n)
            if self.done > 5:
                raise Cancelled

    with hosted(latency_ms=100, max_concurrency=2) as server:
        with pytest.raises(Cancelled):
            PaidModel("e:fast").price(some(64), Readout(), Impatient())
        client.stop()
        assert len(server.requests) < 20
        assert _totals()["in_flight"] == 0
        assert _totals()["calls"] == len(server.requests), "what was under way is stored"


def test_the_key_is_never_in_an_error(monkeypatch):
    monkeypatch.setenv("PRICEWRIGHT_KEY_TEST", "sk-wrong-secret")
    with hosted(key="sk-right", key_env="PRICEWRIGHT_KEY_TEST"), pytest.raises(Pause) as caught:
        PaidModel("e:fast").price(some(1), Readout(), Watched())

    assert "sk-" not in str(caught.value)
    assert "PRICEWRIGHT_KEY_TEST" in str(caught.value)


def test_a_key_that_is_not_set_pauses_with_its_name(monkeypatch):
    monkeypatch.delenv("PRICEWRIGHT_KEY_TEST", raising=False)
    with hosted(key="sk-right", key_env="PRICEWRIGHT_KEY_TEST"), pytest.raises(Pause, match="PRICEWRIGHT_KEY_TEST"):
        PaidModel("e:fast").price(some(1), Readout(), Watched())


_CHILD = """
import sys
from tests.worker.llm.endpoint.calls import Watched, some
from worker.llm.base import Readout
from worker.llm.endpoint.model import PaidModel
print("ready", flush=True)
PaidModel("e:fast").price(some(int(sys.argv[1])), Readout(), Watched(job_id=int(sys.argv[2])))
print("done", flush=True)
"""


def _child(n: int, job_id: int) -> "subprocess.Popen[str]":
    environment = os.environ | {"PRICEWRIGHT_DATABASE_URL": settings().database_url}
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(n), str(job_id)], stdout=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,
    )  # fmt: skip


def test_a_killed_worker_loses_no_answer_and_repeats_no_request():
    n = 150
    (job_id,) = paying_jobs(1)
    with hosted(latency_ms=150, max_concurrency=4) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched(job_id=job_id))
        for kill in range(3):
            child = _child(n, job_id)
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
            wanted = len(server.requests) + 15
            while len(server.requests) < wanted and child.poll() is None:
                time.sleep(0.005)
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            child.stdout.close()
            assert len(server.requests) < n, f"kill {kill} came too late to mean anything"
        readings = PaidModel("e:fast").price(some(n), Readout(), Watched(job_id=job_id))

        assert all(reading.price for reading in readings)
        assert not server.log.repeats()
        assert len(server.requests) == n
        assert _totals()["calls"] == n


def test_two_workers_with_the_same_questions_ask_each_once():
    one, other = paying_jobs(2)
    with hosted(latency_ms=100) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched(job_id=one))
        child = _child(60, one)
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        readings = PaidModel("e:fast").price(some(60), Readout(), Watched(job_id=other))
        assert child.stdout.readline() == "done\n"
        child.wait()
        child.stdout.close()

        assert len(server.requests) == 60
    assert all(reading.price for reading in readings)


def test_a_courier_that_dies_is_replaced():
    with hosted(latency_ms=30) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        (running,) = client._running.values()
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        readings = PaidModel("e:fast").price(some(20), Readout(), Watched())

        assert all(reading.price for reading in readings)
        assert not server.log.repeats()


def test_a_courier_that_dies_in_the_middle_of_a_word_is_replaced():
    with hosted(latency_ms=30) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        client.stop()
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.readline(); print('{\"hash\": ', end='', flush=True)"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        broken = client._Courier(process)
        broken.listener = threading.Thread(target=broken.listen, daemon=True)
        broken.listener.start()
        client._running[os.getpid(), settings().database] = broken
        readings = PaidModel("e:fast").price(some(20), Readout(), Watched())

        assert all(reading.price for reading in readings)
        assert not server.log.repeats()


def test_a_cancel_is_noticed_while_no_answer_comes():
    class Cancelling(Watched):
        def advance(self, n: int = 1) -> None:
            if not n:
                raise Cancelled

    with hosted(slow_seconds=20.0, timeout_seconds=30.0) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        server.trouble("silence", times=-1, match="thing")
        began = time.monotonic()
        with pytest.raises(Cancelled):
            PaidModel("e:fast").price(some(3, first=1), Readout(), Cancelling())
        assert time.monotonic() - began < 15
        for running in client._running.values():  # its calls would keep it for long
            running.process.kill()


def test_what_was_said_of_calls_that_were_given_up_is_not_taken_for_news():
    with hosted() as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        with begin() as session:
            known = session.connection().exec_driver_sql("SELECT hash FROM completions").scalars().all()
            session.connection().exec_driver_sql("DELETE FROM completions")
        (running,) = client._running.values()
        old = {"tries": 0, "busy": 0, "waited": 0.0, "state": "failed", "kind": "fatal", "sentence": "It was ill."}
        running.heard.put({"hash": known[0]} | old)
        (reading,) = PaidModel("e:fast").price(some(1), Readout(), Watched())

        assert reading.price
        assert len(server.requests) == 2


def test_an_answer_that_trickles_in_is_given_up_after_the_time_limit():
    with hosted(timeout_seconds=2.0, slow_seconds=8.0) as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        server.trouble("slow_body", times=1, match="number 3<")
        progress = Watched()
        readings = PaidModel("e:fast").price(some(5), Readout(), progress)

    assert all(reading.price for reading in readings)
    assert progress.troubles.retries == 1


def test_a_capped_job_pauses_when_answers_do_not_say_what_they_took():
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
        session.connection().exec_driver_sql(f"UPDATE jobs SET cap_usd = 1 WHERE id = {job_id}")
    untold = {"text": "5", "logprobs": None}
    stored = Stored("h", "done", untold, 0, 0, 0, None, 0.1, job_id, 0, None)
    one = Tariff(Decimal(1), Decimal(1), Decimal(1), None, None, "override")
    asking = client._Asking(Endpoint("e", "http://localhost"), [], one, Watched(job_id=job_id), 1)
    asking._out["h"] = client.Call("h", "m", {}, 0, 1, 1)

    asking._hear({"hash": "h", "state": "done", "stored": asdict(stored), "tries": 0, "busy": 0, "waited": 0.0})

    assert "does not say how many tokens" in str(asking._pause)


def test_an_endpoint_that_wants_to_be_left_alone_for_long_pauses_the_job():
    with hosted() as server:
        PaidModel("e:fast").price(some(1), Readout(), Watched())
        server.change(rps=0.0005)  # what the server computes Retry-After from
        server.trouble("429", times=-1)
        with pytest.raises(Pause, match="left alone for 33 minutes"):
            PaidModel("e:fast").price(some(5), Readout(), Watched())


def test_a_courier_that_lost_a_part_of_itself_ends_so_that_another_takes_over():
    async def live() -> None:
        courier = Courier(print)
        courier.hear('{"op": "ask", "hash": "h", "endpoint": "nobody said how", "model": "m", "request": {}, '
                     '"job_id": null, "row": 0}')  # fmt: skip
        await courier.run()

    asyncio.run(asyncio.wait_for(live(), 20))
