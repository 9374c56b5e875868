"""What a pool child sets for itself when it starts: which of the GPUs left to it, and how much memory."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from db.settings import settings
from db.types import Queue
from worker import lifecycle

ROOT = Path(__file__).resolve().parents[2]
VISIBLE = "CUDA_VISIBLE_DEVICES"


@pytest.fixture
def machine(monkeypatch):
    """machine(devices, wish, queue): so many GPUs, the user's own CUDA_VISIBLE_DEVICES, a worker of this queue."""

    def machine(devices: int, wish: str | None, queue: Queue = Queue.GPU) -> None:
        monkeypatch.setattr(lifecycle, "_devices", lambda: devices)
        monkeypatch.setattr(lifecycle, "_queues", lambda: [str(queue)])
        if wish is None:
            monkeypatch.delenv(VISIBLE, raising=False)
        else:
            monkeypatch.setenv(VISIBLE, wish)

    monkeypatch.setenv(VISIBLE, "")  # so that it is put back, whatever a test leaves
    yield machine
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize(("devices", "wish", "left"), [
    (0, None, []),
    (0, "0", []),
    (2, None, ["0", "1"]),
    (4, "1,3", ["1", "3"]),
    (4, " 3 , 0", ["3", "0"]),
    (2, "", []),
    (2, "-1", []),
    (2, "NoDevFiles", []),
    (2, "1,-1,0", ["1"]),  # as CUDA itself: nothing behind the first that is not there
    (2, "7,0", []),
    (2, "GPU-6a2f,1", ["GPU-6a2f", "1"]),
])  # fmt: skip
def test_only_what_the_user_leaves_counts(machine, devices, wish, left):
    machine(devices, wish)
    assert lifecycle.gpus() == left
    assert lifecycle.gpu_count() == len(left)


def test_children_of_the_gpu_queue_share_the_users_devices_out(machine):
    taken = []
    for child in range(3):
        machine(4, "1,3")  # each child starts with the environment of its parent
        lifecycle._choose_devices(child)
        taken.append(os.environ[VISIBLE])
    assert taken == ["1", "3", "1"]


def test_a_gpu_worker_that_finds_none_leaves_what_the_user_says(machine):
    machine(0, "0")
    lifecycle._choose_devices(0)
    assert os.environ[VISIBLE] == "0"


def test_other_workers_hide_the_gpus_unless_local_models_are_to_run_on_one(machine, monkeypatch):
    machine(4, "1,3", Queue.CPU)
    lifecycle._choose_devices(0)
    assert os.environ[VISIBLE] == ""
    machine(4, "1,3", Queue.CPU)
    monkeypatch.setenv("PRICEWRIGHT_DEVICE", "cuda")
    settings.cache_clear()
    lifecycle._choose_devices(0)
    assert os.environ[VISIBLE] == "1,3"


CHILD = """
import mmap
from worker import lifecycle
from worker.app import app

lifecycle.engine.forget = lambda: None
app.amqp.queues.select([{queue!r}])
lifecycle._child_started()
try:
    held = mmap.mmap(-1, 3 << 30, flags=mmap.MAP_PRIVATE)  # asked for, not touched
except OSError:
    print("refused")
else:
    print("held")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to the limit")
@pytest.mark.parametrize(("queue", "outcome"), [("interactive", "refused"), ("cpu", "held")])
def test_only_the_worker_that_reads_files_has_a_limit_on_its_memory(queue, outcome):
    child = subprocess.run(
        [sys.executable, "-c", CHILD.format(queue=queue)],
        env=os.environ | {"PRICEWRIGHT_INTERACTIVE_MEMORY_GB": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.stdout.split() == [outcome], child.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "work", ["while True: pass", "import time; time.sleep(60)", "import re; re.match('(a*)*$', 'a' * 40 + 'b')"]
)
def test_what_takes_too_long_is_booked_and_its_process_ends(work: str, tmp_path: Path) -> None:
    """The last holds the interpreter, so that nothing can be booked: the process ends all the same."""
    booked = tmp_path / "booked"
    script = f"""
from pathlib import Path
from worker import lifecycle
lifecycle.LAST_WORDS_SECONDS = 1.0
with lifecycle.limited(0.2, lambda: Path({str(booked)!r}).touch()):
    {work}
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=100, check=False)
    assert done.returncode != 0
    assert booked.exists() == ("re.match" not in work)


def test_what_ends_in_time_is_left_alone() -> None:
    with lifecycle.limited(3600, lambda: None):
        pass
    assert not any(isinstance(thread, threading.Timer) and thread.is_alive() for thread in threading.enumerate())
