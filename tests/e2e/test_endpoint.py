"""A job on a paid endpoint survives 20 deaths of its worker without paying twice, and a cap holds over two workers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.builders import a_catalogue
from tests.e2e.live import ROOT, Live, live_stack
from tests.fake_openai.server import Handle, endpoint

ROWS, KILLS = 1_200, 20
USD_PER_MILLION = 3  # of tokens, in and out
MODEL = "there:fast"

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stack() -> Iterator[Live]:
    with live_stack(demo="false", lease_seconds="2", sweep_seconds="1") as stack:
        yield stack


@pytest.fixture(scope="module")
def priced_server(stack: Live) -> Iterator[Handle]:
    """An endpoint that the stack knows, its tokens at USD_PER_MILLION."""
    with endpoint() as server:
        run(stack, "endpoints", "add", "there", "--url", server.base_url, "--max-concurrency", "16")
        price = str(USD_PER_MILLION)
        run(stack, "endpoints", "price", "there", "fast", "--input", price, "--output", price)
        yield server


@pytest.fixture
def server(priced_server: Handle) -> Handle:
    """That endpoint, asked nothing so far."""
    priced_server.reset(latency_ms=150)
    return priced_server


def run(stack: Live, *arguments: str) -> None:
    command = [sys.executable, "-m", "worker.cli", *arguments]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=stack.environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr + done.stdout


def load(stack: Live, folder: Path, name: str, rows: int = ROWS) -> int:
    file = folder / f"{name}.csv"
    a_catalogue(rows).with_columns(
        title=pl.format("{} of {}", "title", pl.lit(name)),
        price=pl.when(pl.col("row") < 20).then(pl.col("price")),
    ).drop("row").write_csv(file)
    loaded: dict[str, Any] = stack.cli("load", str(file))
    assert loaded["splits"]["unpriced"] == rows - 20
    return int(loaded["dataset"])


def pricing(stack: Live, dataset: int, *more: str) -> subprocess.Popen[str]:
    return stack.start_cli(
        "price", str(dataset), "--technique", "zero-shot", "--set", f"model={MODEL}", "--rows", "unpriced", *more
    )


def newest(stack: Live) -> dict[str, Any]:
    return next((job for job in stack.jobs() if job["kind"] == "price"), {})


def paid(server: Handle) -> Decimal:
    return server.log.bill(Decimal(USD_PER_MILLION))


def is_at_rest(stack: Live, server: Handle) -> bool:
    """Whether nothing is asked any more, nor will be: of a job that has paused, other workers still make the calls for
    which money is set aside, and a courier that was killed is replaced."""
    with Session(stack.engine) as session:
        busy = session.scalar(
            text(
                """SELECT (SELECT count(*) FROM chunks WHERE state = 'running')
                        + (SELECT count(*) FROM completions WHERE state = 'sent')"""
            )
        )
    return not busy and server.log.in_flight == 0


def asked_twice(server: Handle) -> list[list[tuple[float, int, float, bool]]]:
    """(arrived, status, answered, client gone) of every request whose body came more than once."""
    return [
        [(each.at, each.status, each.answered_at, each.gone) for each in server.requests if each.sha256 == sha256]
        for sha256 in server.log.repeats()
    ]


def kill_worker(stack: Live, *, whole: bool) -> None:
    """The pool children that do the work, as the kernel's memory killer would; or the whole worker, as a dead node."""
    stack.wait_for("the endpoint worker", lambda: stack.find("celery", "-Q", "endpoint"))
    found = stack.find("celery", "-Q", "endpoint")
    main = min(found, key=lambda process: process.create_time())
    for process in found:
        try:
            if whole or process != main:
                process.kill()
        except psutil.NoSuchProcess:
            continue  # it went with its parent


def test_a_job_on_an_endpoint_survives_20_kills_and_asks_nothing_twice(stack: Live, server: Handle, tmp_path: Path):
    dataset = load(stack, tmp_path, "killed")
    watching = pricing(stack, dataset, "--json")
    for number in range(KILLS):
        target = (number + 1) * ROWS // (KILLS + 4)
        stack.wait_for(f"{target} requests", lambda target=target: len(server.requests) >= target)
        assert newest(stack)["state"] == "running", "it was over before the worker was killed 20 times"
        # After every death of the whole worker the supervisor waits longer before it starts the next one.
        kill_worker(stack, whole=number % 5 == 0)
    out, err = watching.communicate(timeout=300)
    assert watching.returncode == 0, err + out

    job = newest(stack)
    assert (job["state"], job["items_done"], job["failed"]) == ("done", ROWS - 20, 0)
    exported = tmp_path / "priced.parquet"
    run(
        stack, "price", str(dataset), "--technique", "zero-shot", "--set", f"model={MODEL}", "--rows", "unpriced",
        "--out", str(exported),
    )  # fmt: skip
    frame = pl.read_parquet(exported)
    assert len(frame) == frame["row"].n_unique() == ROWS - 20
    assert set(frame["status"]) == {"ok"}
    assert asked_twice(server) == []
    assert float(frame["usd"].sum()) == pytest.approx(float(paid(server)), abs=1e-9)
    assert job["spent_usd"] == pytest.approx(paid(server))


def test_a_cap_holds_at_the_endpoints_own_bill_though_couriers_are_killed(stack: Live, server: Handle, tmp_path: Path):
    dataset = load(stack, tmp_path, "couriers")
    cap, killed = Decimal("0.15"), 0
    watching = pricing(stack, dataset, "--cap", str(cap), "--json")
    while watching.poll() is None:
        target = len(server.requests) + 60
        while (len(server.requests) < target or not server.log.in_flight) and watching.poll() is None:
            time.sleep(0.005)
        for courier in stack.find("worker.llm.endpoint.courier"):
            courier.kill()
            killed += 1
    _, err = watching.communicate(timeout=300)
    assert killed > 4
    assert "The cap of $0.15 is reached" in " ".join(err.split())
    stack.wait_for("calls under way", lambda: is_at_rest(stack, server))
    job = newest(stack)
    assert job["state"] == "paused"
    assert paid(server) <= cap
    assert job["spent_usd"] >= paid(server)
    assert 0 < job["lost_usd"] < job["spent_usd"]


def test_a_cap_over_two_workers_is_never_passed_and_a_higher_one_finishes_the_job(
    stack: Live, server: Handle, tmp_path: Path
):
    dataset = load(stack, tmp_path, "capped")
    cap = Decimal("0.10")
    watching = pricing(stack, dataset, "--cap", str(cap), "--json")
    _, err = watching.communicate(timeout=300)
    assert watching.returncode == 1
    assert "The cap of $0.10 is reached" in " ".join(err.split())
    assert newest(stack)["state"] == "paused"
    stack.wait_for("calls under way", lambda: is_at_rest(stack, server))
    assert Decimal("0.05") < paid(server) <= cap
    asked = len(server.requests)

    run(stack, "resume", str(newest(stack)["id"]), "--cap", "5")
    job = newest(stack)
    assert (job["state"], job["items_done"]) == ("done", ROWS - 20)
    assert Decimal("0.3") < paid(server) < Decimal("1.2")
    assert len(server.requests) > asked
    assert asked_twice(server) == []
