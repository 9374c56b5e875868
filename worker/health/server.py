"""The port of one process: /healthz (alive, and getting on), /readyz (can work), /metrics (for Prometheus).

One thread beside the process's own work, off unless PRICEWRIGHT_HEALTH_PORT is set. 200 is yes, 503 no; the reasons
come along as JSON.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from db.settings import settings
from worker.health.answer import Answer, Check
from worker.telemetry import metrics

log = logging.getLogger(__name__)

_TRY_AGAIN_SECONDS = 5.0


def _nothing() -> None:
    pass


def _no_checks() -> list[Check]:
    return []


@dataclass(frozen=True)
class Probe:
    """What one process tells of itself."""

    kind: str  # "cpu worker", "dashboard", ...
    health: Callable[[], Sequence[Check]] = _no_checks
    ready: Callable[[], Sequence[Check]] = _no_checks  # health, and what it needs for its work
    collect: Callable[[], None] = field(default=_nothing)  # brings the metrics up to date


class _Handler(BaseHTTPRequestHandler):
    timeout = 10  # who connects and says nothing takes no thread for ever
    server_version, sys_version = "pricewright", ""
    probe: Probe

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self.probe.collect()
            self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(metrics.REGISTRY))
        elif path in ("/healthz", "/readyz"):
            checks = list(self.probe.health() if path == "/healthz" else self.probe.ready())
            answer = Answer(process=self.probe.kind, ok=all(check.ok for check in checks), checks=checks)
            status = HTTPStatus.OK if answer.ok else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, "application/json", answer.model_dump_json().encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"/healthz, /readyz and /metrics are here.\n")

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server calls it by
        del format, args  # a line for every question would be most of the log


def open_port(probe: Probe, host: str, port: int) -> ThreadingHTTPServer:
    """Answer from now on, in a thread. Raises OSError where the port is taken; port 0 takes a free one."""
    server = ThreadingHTTPServer((host, port), type("Handler", (_Handler,), {"probe": probe}))
    server.daemon_threads = True
    # A child that is forked later would keep the port open after us.
    os.register_at_fork(after_in_child=server.socket.close)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def start(probe: Probe) -> None:
    """Answer on PRICEWRIGHT_HEALTH_PORT, if it is set; where another process still has the port, as soon as it goes."""
    config = settings()
    if not config.health_port:
        return
    try:
        open_port(probe, config.health_host, config.health_port)
    except OSError as error:
        log.warning("The port %s for health can't be had (%s); trying again.", config.health_port, error.strerror)
        threading.Thread(target=_open_later, args=(probe,), name="health", daemon=True).start()


def _open_later(probe: Probe) -> None:
    config = settings()
    while True:
        time.sleep(_TRY_AGAIN_SECONDS)
        try:
            open_port(probe, config.health_host, config.health_port)
        except OSError:
            continue
        return
