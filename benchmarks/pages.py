"""Page loads a second of one dashboard under 1, 10 and 50 visitors, how long each takes, and whether memory grows.

A visitor is a session over Streamlit's websocket, without a browser: it connects, opens the pages of the bar one after
the other without a pause, and comes back as somebody new. Clients run beside the dashboard on the same cores.
"""

import argparse
import asyncio
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import psutil

from benchmarks.stack import fresh_stack

VISITORS = (1, 10, 50)
SECONDS = 15.0  # for each number of visitors
PAGES = ("", "run", "jobs", "tradeoffs", "results")
ROOT = Path(__file__).resolve().parents[1]


def main(visitors: tuple[int, ...] = VISITORS, seconds: float = SECONDS, pages: tuple[str, ...] = PAGES) -> None:
    from worker.server.up import dashboard_command

    _fill()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-m", *dashboard_command("127.0.0.1", port)], cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        asyncio.run(_warm(address, pages))
        for count in visitors:
            before, worked = _megabytes(server.pid), _worked(server.pid)
            took, failed = asyncio.run(_visit(address, pages, count, seconds))
            after, worked = _megabytes(server.pid), _worked(server.pid) - worked
            p95 = quantiles(took, n=20)[-1] if len(took) > 1 else float("nan")
            print(
                f"{count:3} visitors: {len(took) / seconds:6.2f} page loads/s, median "
                f"{sorted(took)[len(took) // 2] if took else float('nan'):5.2f} s, p95 {p95:5.2f} s, "
                f"{worked / max(1, len(took)):.3f} core seconds each, {failed} failed, memory {before:.0f} -> "
                f"{after:.0f} MB",
                flush=True,
            )
    finally:
        server.terminate()
        server.wait(20)


def _fill() -> None:
    """A dataset that six techniques priced."""
    from db.engine import begin
    from tests.builders import a_dataset
    from tests.dashboard.priced import a_priced_dataset

    with begin() as session:
        a_priced_dataset(session, a_dataset(session, 1_000))


def _megabytes(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def _worked(pid: int) -> float:
    """Core seconds of the dashboard so far: what a page load takes of them is the same on a busy machine."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


async def _warm(address: str, pages: tuple[str, ...]) -> None:
    """Every page once: what is imported and compiled only the first time."""
    end = time.monotonic() + 120
    while True:
        try:
            await _session(address, iter(pages), [], time.monotonic() + 120)
        except OSError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.3)
        else:
            return


async def _visit(address: str, pages: tuple[str, ...], count: int, seconds: float) -> tuple[list[float], int]:
    """Seconds of each page load that ended in time, and how many sessions failed."""
    took: list[float] = []
    end = time.monotonic() + seconds
    failed = 0

    async def visitor(first: int) -> None:
        nonlocal failed
        while time.monotonic() < end:
            order = itertools.islice(itertools.cycle(pages), first, first + len(pages))
            try:
                await _session(address, order, took, end)
            except OSError:
                failed += 1
                await asyncio.sleep(0.5)

    await asyncio.gather(*(visitor(number % len(pages)) for number in range(count)))
    return took, failed


async def _session(address: str, pages: Iterator[str], took: list[float], end: float) -> None:
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.asyncio.client import connect
    from websockets.typing import Origin, Subprotocol

    origin = Origin(f"http://{address.removeprefix('ws://').split('/')[0]}")
    async with connect(
        address, subprotocols=[Subprotocol("streamlit")], origin=origin, max_size=None, open_timeout=60
    ) as socket_:
        for page in pages:
            began = time.monotonic()
            message = BackMsg()
            message.rerun_script.page_name = page
            await socket_.send(message.SerializeToString())
            while True:
                answer = ForwardMsg()
                answer.ParseFromString(await asyncio.wait_for(socket_.recv(), 120))
                if answer.WhichOneof("type") == "script_finished":
                    break
            if time.monotonic() > end:
                return
            took.append(time.monotonic() - began)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--visitors", type=int, nargs="+", default=VISITORS)
    asked.add_argument("--seconds", type=float, default=SECONDS)
    asked.add_argument("--pages", nargs="+", default=PAGES)
    given = asked.parse_args()
    with fresh_stack(worker=False):
        main(tuple(given.visitors), given.seconds, tuple(given.pages))
