"""The schedule as beat reads it: a process that knows the app alone finds every task that nobody asks for."""

import json
import subprocess
import sys

import pytest

from db.settings import settings

READ_AS_BEAT_DOES = """
import json
from celery.beat import Scheduler
from worker.app import app

app.loader.init_worker()
entries = Scheduler(app).schedule.values()
print(json.dumps({
    entry.name: [entry.task in app.tasks, entry.task, entry.schedule.run_every.total_seconds(), entry.options]
    for entry in entries
}))
"""


@pytest.mark.slow
def test_beat_finds_the_schedule_and_its_tasks() -> None:
    done = subprocess.run([sys.executable, "-c", READ_AS_BEAT_DOES], capture_output=True, text=True, check=True)
    often = settings().sweep_seconds
    assert json.loads(done.stdout) == {
        "sweep": [True, "pricewright.sweep", often, {"queue": "control", "expires": often}],
        "refresh": [True, "pricewright.refresh", 30, {"queue": "control", "expires": 30}],
        "poll": [True, "pricewright.poll", 30, {"queue": "control", "expires": 30}],
    }
