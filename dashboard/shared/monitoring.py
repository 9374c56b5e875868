"""What the dashboard's process tells those who run it: how long pages take, and whether it can work."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from db.settings import settings
from worker.health import checks, server
from worker.telemetry import logs, metrics


@cache
def begin() -> None:
    """Set the log up and open the port for health and metrics, once in a process: with its first visitor, as Streamlit
    runs nothing of ours before."""
    logs.configure("dashboard", settings().log_format, level=logging.WARNING)
    server.start(server.Probe("dashboard", ready=lambda: checks.work(checks.ALL_QUEUES)))


@contextmanager
def timed(page: str) -> Iterator[None]:
    """Counts how long what is inside takes to draw."""
    begun = time.perf_counter()
    try:
        yield
    finally:  # also where the page asks to be run anew
        metrics.PAGE_SECONDS.labels(page).observe(time.perf_counter() - begun)
