"""`pricewright up`: one supervisor that starts everything, keeps it alive and stops it; and the same for one command."""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from db import datasets, embedded, engine, workers
from db.errors import NotReady, UserError
from db.settings import Settings, settings
from db.types import Dataset, DatasetState, Queue
from worker import actions, specs
from worker.lifecycle import gpu_count

ROOT = Path(__file__).resolve().parent.parent
POLL_SECONDS = 0.25
STOP_SECONDS = 15.0  # how long a child may take to end in order; a chunk lost later is only handed out again
READY_SECONDS = 90.0
_PR_SET_PDEATHSIG = 1


def worker_command(queues: str, name: str, concurrency: int) -> list[str]:
    """A Celery worker. Mingle and gossip are chatter among workers that nothing here needs."""
    return [
        *("celery", "-A", "worker.app", "worker", "-Q", queues, "-c", str(concurrency), "-n", f"{name}@%h"),
        *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
    ]


def control_command(schedule: str) -> list[str]:
    """Beat and the sweeper in one process: a sweep must not wait behind a long chunk."""
    return [*worker_command(Queue.CONTROL, "control", 1), "-P", "solo", "-B", "-s", schedule]


def dashboard_command(host: str, port: int) -> list[str]:
    return [
        *("streamlit", "run", "dashboard/app.py", "--server.address", host, "--server.port", str(port)),
        *("--server.headless", "true"),
    ]


def children(config: Settings) -> dict[str, list[str]]:
    """Name -> command of everything that `up` runs beside the servers; compose.yaml runs the same."""
    found = {
        "worker": worker_command(f"{Queue.CPU},{Queue.HOSTED}", "cpu", config.worker_concurrency),
        "control": control_command(str(config.home / "beat-schedule")),
        "dashboard": dashboard_command(config.dashboard_host, config.dashboard_port),
    }
    if gpu_count() and config.device != "cpu":
        found["gpu-worker"] = worker_command(Queue.GPU, "gpu", gpu_count())
    return found


def _die_with_parent() -> None:
    """In the child before exec: the kernel kills it when the supervisor is killed with -9."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Child:
    """A process that is started again when it ends, with growing pauses while it fails at once."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    pause: float = 0.5
    started: float = 0.0
    log: IO[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        settings().logs_dir.mkdir(parents=True, exist_ok=True)
        self.log = self.log or (settings().logs_dir / f"{self.name}.log").open("ab")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self.command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops children in order
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - we run no threads here
        )

    def keep_alive(self) -> None:
        if self.process is None or self.process.poll() is None:
            return
        lived = time.monotonic() - self.started
        if lived < self.pause:
            return  # it failed at once; wait before the next try
        self.pause = 0.5 if lived > 30 else min(30.0, self.pause * 2)
        self.start()

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def stop(self, deadline: float) -> None:
        if self.process:
            try:
                self.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self.log:
            self.log.close()


class _Stop(Exception):
    """A signal asked us to end."""


def _raise_stop(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    raise _Stop


def supervise() -> int:
    """Start everything, print the address, keep it alive until Ctrl-C or SIGTERM. Returns the exit code."""
    config = settings()
    address = f"http://{config.dashboard_host}:{config.dashboard_port}"
    with _lock(config) as alone:
        if not alone:
            print(f"Pricewright already runs for {config.home}: {address}")
            return 0
        _check_port(config)
        signal.signal(signal.SIGTERM, _raise_stop)
        signal.signal(signal.SIGINT, _raise_stop)
        servers: list[embedded.Started] = []
        running = [Child(name, command) for name, command in children(config).items()]
        try:
            print("Starting the database and the broker ...", flush=True)
            servers += embedded.ensure(config)
            engine.migrate()
            for child in running:
                child.start()
            _wait_for_page(address, running)
            print(
                f"Pricewright is ready: {address}\nCtrl-C stops everything; logs are in {config.logs_dir}", flush=True
            )
            demo = _demo()
            while True:
                with contextlib.suppress(engine.DatabaseAway, UserError):
                    next(demo, None)
                time.sleep(POLL_SECONDS)
                servers = _revive(servers, config)
                for child in running:
                    child.keep_alive()
        except _Stop:
            print("\nStopping ...", flush=True)
            return 0
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _stop(running, servers)


def _revive(servers: list[embedded.Started], config: Settings) -> list[embedded.Started]:
    """Start servers of ours that died; what failed to start is tried again at the next look."""
    alive = [server for server in servers if server.is_alive]
    if len(alive) < len(servers):
        with contextlib.suppress(NotReady):
            alive += embedded.ensure(config)
    return alive


def _stop(running: list[Child], servers: list[embedded.Started]) -> None:
    """Workers first, so that they can give back what they hold; then the servers they need for that."""
    for child in running:
        child.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for child in running:
        child.stop(deadline)
    for server in reversed(servers):
        server.stop()


@contextlib.contextmanager
def _lock(config: Settings) -> Iterator[bool]:
    """Whether we are the only supervisor of this data folder; the kernel frees the lock however we end."""
    config.home.mkdir(parents=True, exist_ok=True)
    with (config.home / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _check_port(config: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.dashboard_host, config.dashboard_port))
        except OSError as error:
            raise UserError(
                f"Port {config.dashboard_port} is taken by another program; set PRICEWRIGHT_DASHBOARD_PORT to a free one."
            ) from error


def _wait_for_page(address: str, running: list[Child]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):  # noqa: S310 - our own http address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
            for child in running:
                child.keep_alive()
    raise NotReady(f"The dashboard did not start; see {settings().logs_dir / 'dashboard.log'}.")


def _demo() -> Iterator[None]:
    """An empty installation gets the demo catalogue, priced with every technique, so that each page shows something.

    A generator that is advanced now and then, because the supervisor must not block while the worker works.
    """
    with engine.begin() as session:
        if not settings().demo or datasets.all(session):
            return
    print("Loading the demo catalogue and pricing it; watch it on the Jobs page.", flush=True)
    dataset_id = actions.load_demo()
    while (dataset := _dataset(dataset_id)).state is DatasetState.UPLOADED:
        yield
    actions.load(dataset_id, dataset.mapping)
    while _dataset(dataset_id).state is DatasetState.LOADING:
        yield
    actions.start(dataset_id, specs.defaults())


def _dataset(dataset_id: int) -> Dataset:
    with engine.begin() as session:
        return datasets.get(session, dataset_id)


@contextlib.contextmanager
def running_stack(*, worker: bool = True) -> Iterator[None]:
    """What one command needs: the servers, and a worker if asked. What runs already is used and left running."""
    config = settings()
    servers = embedded.ensure(config)
    running: list[Child] = []
    try:
        engine.migrate()
        if worker and not _worker_serves():
            running = [Child(n, c) for n, c in children(config).items() if n != "dashboard"]
            for child in running:
                child.start()
        yield
    finally:
        engine.engine().dispose()
        _stop(running, servers)


def _worker_serves() -> bool:
    with engine.begin() as session:
        return workers.serves(session, Queue.CPU)
