"""A few faults of each sort on a whole stack, by the command: nothing is lost, doubled, stuck or paid twice."""

import json
import os
import subprocess
import sys

import pytest

from tests.e2e.live import ROOT
from tests.homes import make_home, remove_home
from worker.chaos import faults

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def test_nothing_is_lost_doubled_stuck_or_paid_twice_when_processes_servers_and_messages_fail():
    home = make_home("e2e")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PRICEWRIGHT_")}
    environment |= {
        "PRICEWRIGHT_DATA_DIR": str(home),
        "PRICEWRIGHT_LEASE_SECONDS": "3",
        "PRICEWRIGHT_SWEEP_SECONDS": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "worker.cli", "chaos", "--short", "--json"],
            check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=550,
        )  # fmt: skip
    finally:
        remove_home(home)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert report["good"]
    assert report["missed"] == []
    total = report["table"][-1]
    assert total["count"] == len(faults.SHORT)
    assert [total[what] for what in ("lost", "doubled", "stuck", "paid_twice", "past_cap")] == [0, 0, 0, 0, 0]
    kinds = {job["kind"] for job in report["jobs"] if job["rows"]}
    assert kinds == {"cheap", "endpoint, capped"}
