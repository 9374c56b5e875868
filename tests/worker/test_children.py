"""What a parent does about children that are stopped, hang or died: it kills them, and frees what they held."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from sqlalchemy import text

from db import chunks, jobs
from db.engine import begin
from tests.builders import a_dataset, a_job
from worker import children
from worker.children import Hung, Stopped


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["/bin/sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def go_on(seconds: float) -> None:
        now[0] += seconds

    return go_on


def _is_gone(process: "subprocess.Popen[bytes]") -> bool:
    """Waits without the clock, which a test may have stopped."""
    for _ in range(500):
        if process.poll() is not None:
            return True
        time.sleep(0.01)
    return False


def test_a_process_that_is_stopped_for_long_is_killed(child, clock):
    stopped, processes = Stopped(), [psutil.Process(child.pid)]
    processes[0].suspend()
    while processes[0].status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    stopped.kill(processes)
    assert child.poll() is None
    clock(children.STOPPED_SECONDS + 1)
    stopped.kill(processes)
    assert _is_gone(child)


def test_a_process_that_went_on_meanwhile_is_left_alone(child, clock):
    stopped, processes = Stopped(), [psutil.Process(child.pid)]
    processes[0].suspend()
    stopped.kill(processes)
    processes[0].resume()
    while processes[0].status() == psutil.STATUS_STOPPED:
        time.sleep(0.01)
    stopped.kill(processes)
    processes[0].suspend()
    while processes[0].status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    clock(children.STOPPED_SECONDS + 1)
    stopped.kill(processes)  # stopped again, just now
    assert child.poll() is None


def test_a_child_that_works_without_a_lease_is_killed_after_a_while(child, clock):
    hung, pid = Hung(), child.pid
    hung.kill([pid], busy=[pid], holders=[pid])
    clock(children.patience() + 100)
    hung.kill([pid], busy=[pid], holders=[pid])  # it holds one
    hung.kill([pid], busy=[], holders=[])
    clock(children.patience() + 100)
    hung.kill([pid], busy=[], holders=[])  # it has nothing to do
    clock(children.patience() - 1)
    hung.kill([pid], busy=[pid], holders=[])  # it may be about to take one
    assert child.poll() is None
    clock(2)
    hung.kill([pid], busy=[pid], holders=[])
    assert _is_gone(child)


def test_what_a_dead_process_of_this_machine_held_is_free_at_once_and_what_a_living_one_holds_is_not(database):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    machine = children.owner().rsplit(":", 1)[0]
    owners = {"dead": f"{machine}:{dead.pid}", "elsewhere": f"another:{dead.pid}", "alive": children.owner()}
    with begin() as session:
        ids = {}
        for name, owner in owners.items():
            job_id = a_job(session, a_dataset(session, name=name))
            [ids[name], *_] = chunks.to_send(session, job_id)
            assert chunks.claim(session, ids[name], owner, 600)
            assert jobs.get(session, job_id)
    with begin() as session:
        assert children.release_dead(session) == {int(children.owner().rsplit(":", 1)[1])}
    with begin() as session:
        ended = set(session.scalars(text("SELECT id FROM chunks WHERE state = 'running' AND lease_until < now()")))
    assert ended == {ids["dead"]}
