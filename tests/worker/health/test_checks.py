"""Health is progress: a stuck queue, a loop that stands still and a child that holds nothing are told."""

import socket
import urllib.error
import urllib.request

import pytest
from sqlalchemy import text

from db import chunks, engine, health, workers
from db.engine import begin
from db.settings import Settings, settings
from db.types import Queue
from tests.builders import a_dataset, a_job
from tests.databases import use_database
from worker.health import checks, children, pulse
from worker.health.answer import Answer, Check
from worker.health.ask import ask
from worker.health.server import Probe, open_port


def a_sent_chunk(seconds_ago: int) -> tuple[int, int]:
    """Job and first chunk of a job whose chunk was sent so long ago."""
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
        chunk_id = chunks.to_send(session, job_id)[0]
        session.execute(
            text("UPDATE chunks SET sent_at = now() - make_interval(secs => :s) WHERE id = :c"),
            {"s": seconds_ago, "c": chunk_id},
        )
    return job_id, chunk_id


def test_a_queue_is_stuck_when_work_waits_for_long_and_nobody_is_at_work(database, broker):
    assert checks.moving([Queue.CPU]).ok
    _, chunk_id = a_sent_chunk(5)
    assert checks.moving([Queue.CPU]).ok  # it has only just come
    with begin() as session:
        session.execute(text("UPDATE chunks SET sent_at = now() - interval '10 minutes'"))
    found = checks.moving([Queue.CPU])
    assert not found.ok
    assert "cpu queue" in found.detail
    assert checks.moving([Queue.GPU]).ok  # not its queue
    a_sent_chunk(5)
    with begin() as session:
        assert chunks.claim(session, chunk_id, "somewhere:1", 30)
    assert checks.moving([Queue.CPU]).ok  # it is worked on


def test_a_queue_tells_what_waits_who_works_and_who_went_silent(database):
    _, chunk_id = a_sent_chunk(40)
    with begin() as session:
        workers.hello(session, "cpu@here", ["cpu"], "cpu", 1)
        (cpu,) = [state for state in health.queues(session) if state.queue is Queue.CPU]
        assert (cpu.ready, cpu.running, cpu.silent, cpu.workers) == (1, 0, 0, 1)
        assert 40 <= cpu.oldest_seconds < 60
        chunks.claim(session, chunk_id, "somewhere:1", 30)
    with begin() as session:
        session.execute(text("UPDATE chunks SET lease_until = now() - interval '1 second' WHERE state = 'running'"))
        (cpu,) = [state for state in health.queues(session) if state.queue is Queue.CPU]
        assert (cpu.running, cpu.silent) == (0, 1)


def test_a_child_hangs_when_it_keeps_a_message_and_no_lease(database, monkeypatch):
    monkeypatch.setattr(children, "_first_seen", {})
    _, chunk_id = a_sent_chunk(0)
    with begin() as session:
        assert chunks.claim(session, chunk_id, f"{socket.gethostname()}:77", 300)
    at_work = {"a": 77, "b": 78}
    children.note(at_work, now=0)
    assert children.hung(at_work, 30, now=20) == []  # both have only begun
    assert children.hung(at_work, 30, now=40) == [78]
    children.note({"a": 77, "c": 78}, now=41)
    assert children.hung({"a": 77, "c": 78}, 30, now=45) == []  # it has another message by now


def test_a_loop_that_stands_still_is_told(monkeypatch):
    assert not checks.alive("nothing of ours", 60).ok
    pulse.beat("a loop")
    assert checks.alive("a loop", 60).ok
    assert not checks.alive("a loop", -1).ok


def test_a_database_that_is_away_is_one_sentence(servers):
    use_database("postgresql://nobody@127.0.0.1:1/none")
    try:
        found = checks.database()
        assert not found.ok
        assert found.detail.startswith("The database is away")
        assert "\n" not in found.detail
        assert not checks.moving([Queue.CPU]).ok
    finally:
        use_database("")


@pytest.mark.parametrize(("version", "sentence"), [("9999", "update this Pricewright"), ("0001", "db.migrations")])
def test_code_and_tables_of_different_age_are_told(database, version, sentence):
    assert checks.database().ok
    with begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    try:
        found = checks.database()
        assert not found.ok
        assert sentence in found.detail
    finally:
        with begin() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": engine.newest_version()})


def test_a_process_answers_on_its_port_with_reasons():
    ill = Check(part="queue", ok=False, detail="Nothing moves.")
    server = open_port(Probe("cpu worker", lambda: [Check(part="loop", ok=True)], lambda: [ill]), "127.0.0.1", 0)
    try:
        port = server.server_port
        config = Settings(health_port=0)
        assert ask(config, ready=False, port=port) == Answer(
            process="cpu worker", ok=True, checks=[Check(part="loop", ok=True)]
        )
        answer = ask(config, ready=True, port=port)
        assert not answer.ok
        assert answer.sentence() == "cpu worker: Nothing moves."
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as told:
            assert b"pricewright_jobs" in told.read()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/elsewhere")
    finally:
        server.shutdown()
        server.server_close()


def test_without_a_port_nobody_listens():
    assert settings().health_port == 0
