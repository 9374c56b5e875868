"""A worker as it starts: it finds every task that nobody asks for, and has loaded none of what single steps need."""

import json
import subprocess
import sys
from typing import Any

import pytest

from db.settings import settings

MACHINERY = "torch", "transformers", "peft", "sklearn", "scipy", "pandas", "lightgbm", "openai"

READ_AS_BEAT_DOES = """
import json, sys
from celery.beat import Scheduler
from worker.app import app

app.loader.init_worker()
entries = Scheduler(app).schedule.values()
schedule = {
    entry.name: [entry.task in app.tasks, entry.task, entry.schedule.run_every.total_seconds(), entry.options]
    for entry in entries
}
print(json.dumps({"schedule": schedule, "modules": list(sys.modules)}))
"""


@pytest.fixture(scope="module")
def started() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", READ_AS_BEAT_DOES], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@pytest.mark.slow
def test_beat_finds_the_schedule_and_its_tasks(started: dict[str, Any]) -> None:
    often = settings().sweep_seconds
    assert started["schedule"] == {
        "sweep": [True, "pricewright.sweep", often, {"queue": "control", "expires": often}],
        "compare": [True, "pricewright.compare", often, {"queue": "control", "expires": often}],
        "notify": [True, "pricewright.notify", 15.0, {"queue": "control", "expires": 15}],
        "tidy": [True, "pricewright.tidy", 600.0, {"queue": "control", "expires": 600}],
        "refresh": [True, "pricewright.refresh", 30, {"queue": "control", "expires": 30}],
        "settle": [True, "pricewright.settle", often, {"queue": "control", "expires": often}],
        "poll": [True, "pricewright.poll", 30, {"queue": "control", "expires": 30}],
    }


@pytest.mark.slow
def test_a_worker_starts_without_what_single_steps_need(started: dict[str, Any]) -> None:
    """Four workers start with the product, and each would wait two seconds of a core for it."""
    assert "worker.steps" in started["modules"]
    assert set(MACHINERY) & set(started["modules"]) == set()
