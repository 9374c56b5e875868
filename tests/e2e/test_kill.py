"""Worker, broker and database are killed with -9 in the middle of a job; it finishes without a human, once per item."""

from pathlib import Path

import polars as pl
import psutil
import pytest

from tests.builders import a_catalogue
from tests.e2e.live import Live, live_stack

PRICED, UNPRICED = 150, 1800

pytestmark = [pytest.mark.stack, pytest.mark.model, pytest.mark.timeout(600)]


@pytest.fixture
def stack():
    with live_stack(demo="false", lease_seconds="4", sweep_seconds="1") as stack:
        yield stack


def test_every_item_has_one_prediction_after_worker_broker_and_database_were_killed(stack: Live, tmp_path: Path):
    catalogue = a_catalogue(PRICED + UNPRICED)
    file = tmp_path / "things.csv"
    prices = pl.when(pl.col("row") < PRICED).then(pl.col("price"))
    catalogue.with_columns(price=prices).drop("row").write_csv(file)
    loaded = stack.cli("load", str(file))
    assert loaded["splits"]["unpriced"] == UNPRICED

    pricing = stack.start_cli(
        "price", str(loaded["dataset"]), "--technique", "neighbours", "--rows", "unpriced", "--json"
    )
    done = 0
    for victim in (("celery", "-Q", "cpu"), ("valkey",), ("postgres", "-D")):
        stack.wait_for(f"progress beyond {done} items", lambda done=done: more_than(stack, done))
        done = job_of(stack)["items_done"]
        killed = stack.find(*victim)
        assert killed, f"no process {victim}"
        for process in killed:
            kill(process)
    out, err = pricing.communicate(timeout=400)
    assert pricing.returncode == 0, err + out

    state = job_of(stack)
    assert (state["state"], state["items_done"], state["failed"]) == ("done", UNPRICED, 0)
    exported = tmp_path / "priced.parquet"
    stack.cli(
        "price", str(loaded["dataset"]), "--technique", "neighbours", "--rows", "unpriced", "--out", str(exported)
    )
    frame = pl.read_parquet(exported)
    assert len(frame) == frame["row"].n_unique() == UNPRICED
    assert set(frame["status"]) == {"ok"}


def job_of(stack: Live) -> dict:
    return next((job for job in stack.jobs() if job["technique"] == "neighbours"), {})


def more_than(stack: Live, done: int) -> bool:
    state = job_of(stack)
    assert state.get("state") != "done", "the job was over before everything was killed: make it longer"
    return state.get("items_done", 0) > done and state.get("step") == "price"


def kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # its parent's death took it along
