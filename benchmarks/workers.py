"""How much more 1, 2 and 4 workers get done where work only waits: calls to an endpoint that takes its time.

Each worker gets a job of its own; the endpoint answers after half a second and takes any number of calls at once. What
n workers reach is beside n times what one reached in the same run; the goal is 95 %.
"""

import subprocess
import sys
import time
from decimal import Decimal

from benchmarks.stack import fresh_stack

COUNTS = (1, 2, 4)
CALLS_AT_ONCE = 4  # of each worker
LATENCY_SECONDS = 0.5
ROWS = 160  # of each job: 20 seconds of waiting


def main(rows: int = ROWS) -> None:
    from worker.chaos import endpoint as chaos_endpoint

    chaos_endpoint.LATENCY_SECONDS = LATENCY_SECONDS
    server = chaos_endpoint.KnownEndpoint()
    _prepare(server.base_url)
    allowed = CALLS_AT_ONCE / LATENCY_SECONDS
    print(f"{LATENCY_SECONDS} s latency, {CALLS_AT_ONCE} calls at once from each worker: {allowed:.0f} calls/s at most")
    alone = 0.0
    for count in COUNTS:
        rate = _rate(count, rows)
        alone = alone or rate
        print(
            f"{count} worker{'s' * (count > 1)}: {rate:6.2f} rows/s = {rate / alone / count:6.1%} of {count} x one, "
            f"{rate / allowed / count:6.1%} of what the endpoint allows",
            flush=True,
        )
    server.close()


def _prepare(url: str) -> None:
    from db import endpoints, rates
    from db.engine import begin
    from db.types import Endpoint
    from worker.chaos.endpoint import MODEL

    with begin() as session:
        endpoints.add(session, Endpoint("bench", url, max_concurrency=CALLS_AT_ONCE))
        rates.set_tariff(session, "bench", MODEL, {"input": Decimal(1), "output": Decimal(1)})


def _rate(count: int, rows: int) -> float:
    """Rows a second of so many workers with a job each, from the first answer to the last."""
    from db import jobs
    from db.engine import begin
    from db.types import Queue
    from worker.server.up import worker_command

    workers = [
        subprocess.Popen(
            [sys.executable, "-m", *worker_command(Queue.ENDPOINT, f"bench{number}", 1)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for number in range(count)
    ]  # fmt: skip
    try:
        _until(lambda: _present() >= count)
        job_ids = [_start(rows) for _ in workers]
        _until(lambda: all(_answered(job_id) for job_id in job_ids))
        began, before = time.perf_counter(), sum(map(_answered, job_ids))
        wanted = count * rows * 9 // 10  # until the first of them is about to end
        _until(lambda: sum(map(_answered, job_ids)) >= wanted)
        rate = (sum(map(_answered, job_ids)) - before) / (time.perf_counter() - began)
        _until(lambda: all(_is_over(job_id) for job_id in job_ids))
        with begin() as session:
            assert all(jobs.get(session, job_id).state == "done" for job_id in job_ids)
        return rate
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(30)


def _start(rows: int) -> int:
    from sqlalchemy import text

    from db.engine import begin
    from tests.builders import a_dataset
    from worker import specs
    from worker.chaos.endpoint import MODEL
    from worker.pricing import actions

    with begin() as session:
        dataset_id = a_dataset(session, 10, unpriced=rows, name=f"bench {time.time_ns()}")
        session.execute(
            text("UPDATE items SET title = title || ' of ' || :dataset ::text WHERE dataset_id = :dataset"),
            {"dataset": dataset_id},
        )
    spec = specs.parse({"technique": "zero-shot", "model": f"bench:{MODEL}"})
    return actions.start(dataset_id, [spec])[0]


def _present() -> int:
    from db import workers
    from db.engine import begin

    with begin() as session:
        return sum("bench" in name for name in workers.alive(session)["name"])


def _answered(job_id: int) -> int:
    from sqlalchemy import text

    from db.engine import begin

    with begin() as session:
        query = "SELECT count(*) FROM completions WHERE job_id = :job AND state = 'done'"
        return int(session.scalar(text(query), {"job": job_id}) or 0)


def _is_over(job_id: int) -> bool:
    from db import jobs
    from db.engine import begin

    with begin() as session:
        return jobs.get(session, job_id).state.is_final


def _until(condition: object, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError("the workers did not get that far")
        time.sleep(0.1)


if __name__ == "__main__":
    with fresh_stack(worker=False):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
