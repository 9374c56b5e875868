"""A child that ends: started again, with growing pauses, and all of it is gone when it is stopped."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from worker.server import supervisor
from worker.server.supervisor import Backoff, Child, stop_all

# A program that starts a child of its own and writes down both pids; `python -m` finds it in its folder.
PROGRAM = """
import os, pathlib, signal, subprocess, sys, time
{setup}
child = subprocess.Popen(["/bin/sleep", "600"])
with open("pids", "a") as file:
    print(os.getpid(), child.pid, os.environ.get("WORD"), file=file)
time.sleep(600)
"""


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Makes a child that runs PROGRAM; whatever is left of it is killed afterwards."""
    made: list[Child] = []

    def make(setup: str = "") -> Child:
        (tmp_path / "program.py").write_text(PROGRAM.format(setup=setup))
        made.append(Child("it", ["program"], tmp_path, tmp_path / "it.log", os.environ | {"WORD": "said"}))
        return made[-1]

    yield make
    for child in made:
        child.stop(0.0)


def starts(folder: Path) -> list[list[str]]:
    """One entry per start: its pid, its child's pid, and the word from the environment."""
    file = folder / "pids"
    return [line.split() for line in file.read_text().splitlines() if line] if file.exists() else []


def is_gone(pid: str) -> bool:
    try:
        return psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_killed_child_is_started_again_and_what_it_left_behind_is_killed(
    make: Callable[..., Child], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = make()
    child.keep_alive()
    wait_until(lambda: len(starts(tmp_path)) == 1)
    child.keep_alive()  # nothing to do
    assert child.process
    first = child.process.pid
    child.process.kill()

    def second_start() -> bool:
        child.keep_alive()
        return len(starts(tmp_path)) == 2

    wait_until(second_start)
    assert child.process.pid != first
    wait_until(lambda: is_gone(starts(tmp_path)[0][1]))
    assert starts(tmp_path)[1][2] == "said"
    assert "it ended (killed by SIGKILL); starting it again" in capsys.readouterr().out


def test_stopping_leaves_neither_the_child_nor_its_children(make: Callable[..., Child], tmp_path: Path) -> None:
    child = make()
    child.keep_alive()
    wait_until(lambda: len(starts(tmp_path)) == 1)
    stop_all([child])
    assert child.process
    assert child.process.returncode == -15
    wait_until(lambda: is_gone(starts(tmp_path)[0][1]))


def test_a_child_that_ignores_the_request_is_killed_after_a_while(
    make: Callable[..., Child], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.2)
    child = make("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    child.keep_alive()
    wait_until(lambda: len(starts(tmp_path)) == 1)
    stop_all([child])
    assert child.process
    assert child.process.returncode == -9


def test_the_first_restart_is_immediate_and_pauses_double_up_to_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    backoff = Backoff()
    pauses = []
    assert backoff.may_try()
    for _ in range(9):
        before = now[0]
        while not backoff.may_try():
            now[0] += 0.25
        pauses.append(now[0] - before)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_after_a_long_quiet_time_the_pauses_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    backoff = Backoff()
    for _ in range(5):
        now[0] += 20
        backoff.may_try()
    now[0] += 600
    assert backoff.may_try()
    now[0] += 0.5
    assert backoff.may_try()
