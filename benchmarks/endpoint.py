"""The share of what an endpoint allows that we use: our courier beside a plain loop and a pool of five threads.

A server in a process of its own answers after a fixed time and allows a fixed number of requests a second; each way
asks it for about the same time, one after the other. The plain ways are what people write first: the openai SDK with
its own retries, and nothing stored.
"""

import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

from benchmarks.stack import fresh_stack
from db import endpoints, rates
from db.engine import begin
from db.types import Endpoint
from worker.llm.base import Prompt, Readout
from worker.llm.endpoint import client as endpoint_client
from worker.llm.endpoint.model import PaidModel
from worker.progress import Silent

LATENCY_MS = 300
ALLOWED = 50.0  # requests a second
SECONDS = 20.0  # that each way may take
BURST = 10  # requests that may come at once: a full second of them would flatter whoever comes first
MODEL = "fast"


def main(seconds: float = SECONDS) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_openai.server", "--port", "0",
         "--latency-ms", str(LATENCY_MS), "--rps", str(ALLOWED),
         "--burst", str(BURST)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        ways = {
            "one at a time (openai SDK)": partial(_pool, url, 1, seconds),
            "pool of 5 threads (openai SDK)": partial(_pool, url, 5, seconds),
            "the courier": partial(_courier, url, seconds),
        }
        print(f"{ALLOWED:.0f} requests/s allowed, {LATENCY_MS} ms latency, about {seconds:.0f} s per way; goal 95 %")
        for name, way in ways.items():
            print(_measure(url, name, way), flush=True)
    finally:
        endpoint_client.stop()
        server.terminate()
        server.wait()


def _measure(url: str, name: str, way: Any) -> str:
    _control(url, "clear", post=True)
    began = time.perf_counter()
    answered = way()
    took = time.perf_counter() - began
    seen = _control(url, "counts")
    log = _control(url, "requests")
    times = [entry["answered_at"] for entry in log if entry["status"] == 200]
    # From the first request to the last answer: starting the process is paid once, not per call.
    steady = len(times) / (max(times) - min(entry["at"] for entry in log))
    return (
        f"{name:32} {answered:5d} answers in {took:5.1f} s, {steady:5.1f}/s = {steady / ALLOWED:6.1%} of the allowed "
        f"rate, {seen['statuses'].get('429', 0):3d} refused, {seen['paid_twice']} paid twice"
    )


def _pool(url: str, threads: int, seconds: float) -> int:
    import openai

    client = openai.OpenAI(base_url=url, api_key="none", max_retries=10)
    until = time.perf_counter() + seconds

    def work(number: int) -> int:
        done = 0
        while time.perf_counter() < until:
            client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": f"Price of thing {number}-{done}? Price: $"}],
                temperature=0, max_tokens=8, logprobs=True, top_logprobs=20,
            )  # fmt: skip
            done += 1
        return done

    with client, ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads)))


def _courier(url: str, seconds: float) -> int:
    with begin() as session:
        if not any(endpoint.name == "bench" for endpoint in endpoints.all(session)):
            endpoints.add(session, Endpoint("bench", url))
            rates.set_tariff(session, "bench", MODEL, {"input": Decimal("0.1"), "output": Decimal("0.4")})
    model = PaidModel(f"bench:{MODEL}")
    n = int(seconds * ALLOWED)
    prompts = [Prompt("What does it cost?\n", f"thing {time.time_ns()} {i}\n", "Price: $", row=i) for i in range(n)]
    readings = model.price(prompts, Readout(), Silent())
    return sum(reading.price is not None for reading in readings)


def _control(url: str, what: str, *, post: bool = False) -> Any:
    request = urllib.request.Request(f"{url.removesuffix('/v1')}/control/{what}", method="POST" if post else "GET")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    with fresh_stack(worker=False):
        main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
