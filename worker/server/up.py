"""`pricewright up`: one supervisor that starts everything, keeps it alive, stops it; and the same for one command."""

import contextlib
import fcntl
import http.client
import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import psutil

from db import engine, workers
from db.errors import NotReady, UserError
from db.servers import embedded
from db.servers.permissions import make_home
from db.settings import Settings, settings
from db.types import Queue
from worker.children import Stopped
from worker.health import ask, checks, pulse
from worker.health import server as health_server
from worker.health.answer import Check
from worker.lifecycle import QUIET_SECONDS, gpu_count
from worker.people import identity
from worker.server import demo
from worker.server.logs import put_aside
from worker.server.supervisor import Backoff, Child, stop_all
from worker.storage import actions as storage

ROOT = Path(__file__).resolve().parents[2]  # below it lies dashboard/web_app.py
ENDPOINT_CHILDREN = 2  # jobs on endpoints that can go on at once; each has many calls in flight
DASHBOARD = "dashboard"
POLL_SECONDS = 0.25
READY_SECONDS = 90.0
LOG_SECONDS = 10.0  # between two looks at how large the logs are
_LOOP = "supervisor's loop"


# --- What runs; compose.yaml runs the same ---


def worker_command(queues: str, name: str, concurrency: int) -> list[str]:
    """The command of a Celery worker. Mingle and gossip are chatter among workers that nothing here needs."""
    return [
        *("celery", "-A", "worker.app", "worker", "-Q", queues, "-c", str(concurrency), "-n", f"{name}@%h"),
        *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
    ]


def control_command(name: str = "control") -> list[str]:
    """The command of beat and the sweeper, in one process of their own: a sweep must not wait behind a long chunk.

    The schedule stays in memory: it has one entry that is due every few seconds, and a file could be locked or broken.
    """
    return [*worker_command(Queue.CONTROL, name, 1), "-P", "solo", "-B", "--scheduler", "celery.beat:Scheduler"]


def dashboard_command(host: str, port: int) -> list[str]:
    return [
        *("worker.server.pages", "--server.address", host, "--server.port", str(port)),
        *("--server.headless", "true"),
    ]


def worker_commands(config: Settings, suffix: str = "") -> dict[str, list[str]]:
    """Log name -> command of the workers that suit this machine; two sets of them need different suffixes."""
    commands = {
        "worker": worker_command(Queue.CPU, f"cpu{suffix}", config.worker_concurrency),
        # Calls to endpoints wait most of the time; they need no core, and must not wait behind a local model.
        "endpoint-worker": worker_command(Queue.ENDPOINT, f"endpoint{suffix}", ENDPOINT_CHILDREN),
        # A file that is looked at and a search are short, and somebody waits: not behind a training of hours.
        "interactive-worker": worker_command(Queue.INTERACTIVE, f"interactive{suffix}", 1),
        "control": control_command(f"control{suffix}"),
    }
    if gpu_count() and config.device != "cpu":
        commands["gpu-worker"] = worker_command(Queue.GPU, f"gpu{suffix}", gpu_count())
    return commands


def _children(config: Settings, commands: dict[str, list[str]]) -> list[Child]:
    # Children run in another folder, from which a relative data folder would be a different one.
    environment = os.environ | {"PRICEWRIGHT_DATA_DIR": str(config.home)}
    children = []
    for place, (name, command) in enumerate(commands.items(), start=1):
        # One machine, several processes: each has a port of its own behind the supervisor's.
        port = {"PRICEWRIGHT_HEALTH_PORT": str(config.health_port and config.health_port + place)}
        children.append(Child(name, command, ROOT, config.logs_dir / f"{name}.log", environment | port))
    return children


def _probe(config: Settings, children: list[Child]) -> health_server.Probe:
    """What the supervisor tells: how it is, and each of its processes."""

    def told(ready: bool) -> list[Check]:
        found = []
        for place, child in enumerate(children, start=1):
            if child.name == DASHBOARD:  # opens its port with its first visitor only
                found.append(Check(part=child.name, ok=_page_answers(config)))
                continue
            try:
                answer = ask.ask(config, ready=ready, port=config.health_port + place)
            except NotReady as error:
                found.append(Check(part=child.name, ok=False, detail=f"{child.name}: {error}"))
            else:
                found.append(Check(part=child.name, ok=answer.ok, detail="" if answer.ok else answer.sentence()))
        return found

    return health_server.Probe(
        "supervisor",
        lambda: [checks.alive(_LOOP, QUIET_SECONDS), *told(ready=False)],
        lambda: [checks.alive(_LOOP, QUIET_SECONDS), *told(ready=True)],
    )


# --- Everything, until Ctrl-C ---


class _Stop(BaseException):
    """The end that a signal asked for. No Exception, so that nobody on the way up takes it for a failure of his."""


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise_stop(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    for other in _SIGNALS:  # stopping itself is not interrupted: a second Ctrl-C would leave things behind
        signal.signal(other, signal.SIG_IGN)
    raise _Stop


def supervise() -> int:
    """Start everything, print the address, keep it alive until Ctrl-C or SIGTERM. Returns the exit code."""
    config = settings()
    make_home(config)
    with _only_supervisor(config) as other, engine.access(is_open=True):
        if other:
            print(f"Pricewright already runs for {config.home}: {other}")
            return 0
        _check_open(config)
        _check_port(config)
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        servers = _Servers(config)
        children = _children(
            config,
            worker_commands(config) | {DASHBOARD: dashboard_command(config.dashboard_host, config.dashboard_port)},
        )
        try:
            for number in _SIGNALS:
                if number != signal.SIGHUP or before[number] is not signal.SIG_IGN:  # nohup means: live on
                    signal.signal(number, _raise_stop)
            health_server.start(_probe(config, children))
            _run(config, servers, children)
        except _Stop:
            print("\nStopping ...", flush=True)
            return 0
        finally:
            stop_all(children)  # workers first: they give back what they hold, which needs the servers
            servers.stop()
            for number, handler in before.items():
                signal.signal(number, handler)


def _run(config: Settings, servers: "_Servers", children: list[Child]) -> NoReturn:
    print("Starting the database and the broker ...", flush=True)
    servers.start()
    engine.migrate()
    storage.clear_scratch()
    deadline = time.monotonic() + READY_SECONDS
    ready = demo_done = False
    next_look = 0.0
    stopped = Stopped()
    while True:
        pulse.beat(_LOOP)
        stopped.kill(psutil.Process().children())
        servers.keep_alive()
        for child in children:
            child.keep_alive()
        if time.monotonic() > next_look:
            next_look = time.monotonic() + LOG_SECONDS
            put_aside(config.logs_dir.glob("*.log"), config.log_megabytes)
        if not ready:
            ready = _page_answers(config)
            if ready:
                print(f"Pricewright is ready: {address(config)}", flush=True)
                print(f"Ctrl-C stops everything; logs are in {config.logs_dir}", flush=True)
            elif time.monotonic() > deadline:
                raise NotReady(f"The dashboard did not start; see {config.logs_dir / 'dashboard.log'}.")
        elif not demo_done:
            demo_done = demo.advance()
        time.sleep(POLL_SECONDS)


class _Servers:
    """The embedded servers: started here, or taken over when a command that had started them takes them away."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._ours: list[embedded.Started] = []
        self._backoff = {name: Backoff() for name in embedded.names(config)}

    def start(self) -> None:
        """Start the servers that are not there. Raises NotReady."""
        self._ours += embedded.ensure(self._config, die_with_parent=True)

    def keep_alive(self) -> None:
        """Start again what is gone, whoever had started it. To be called often."""
        self._ours = [server for server in self._ours if server.is_alive]
        for name, backoff in self._backoff.items():
            if embedded.is_running(self._config, name) or not backoff.may_try():
                continue
            print(f"{name} ended; starting it again, see {self._config.logs_dir / name}.log", flush=True)
            try:
                server = embedded.start(self._config, name, die_with_parent=True)
            except NotReady as error:
                print(error, flush=True)
            else:
                self._ours += [server] if server else []

    def stop(self) -> None:
        engine.engine().dispose()
        for server in reversed(self._ours):
            server.stop()


def address(config: Settings) -> str:
    """Where a browser on this machine finds the pages."""
    return f"http://{_place(_reached_at(config), config.dashboard_port)}"


def _reached_at(config: Settings) -> str:
    """The host by which this machine itself reaches the pages: nobody can connect to "every address"."""
    return "localhost" if config.dashboard_host in ("0.0.0.0", "::") else config.dashboard_host  # noqa: S104


def _place(host: str, port: int) -> str:
    """The text host:port as it stands in an address; in brackets if the host has colons itself (IPv6)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def _only_supervisor(config: Settings) -> Iterator[str | None]:
    """Lock out a second supervisor: gives None, or the address of the first. The kernel frees the lock when we end."""
    with (config.home / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            yield file.read() or address(config)
            return
        file.truncate(0)
        file.write(address(config))
        file.flush()
        yield None


def _check_open(config: Settings) -> None:
    """Refuse to open the pages to others by accident. Raises UserError."""
    identity.check(config)
    if config.allow_open or config.has_sign_in:
        return
    try:
        places = socket.getaddrinfo(config.dashboard_host or None, config.dashboard_port, flags=socket.AI_PASSIVE)
    except OSError:
        return  # no address of this machine; looking at the port says so
    if not all(ipaddress.ip_address(str(place[4][0]).split("%")[0]).is_loopback for place in places):
        raise UserError(
            f"PRICEWRIGHT_DASHBOARD_HOST={config.dashboard_host} opens the pages to other machines, and nobody has to "
            "sign in: everybody who reaches them can read all data, spend money on the endpoints and delete datasets; "
            "set PRICEWRIGHT_OIDC_URL, so that people sign in, or PRICEWRIGHT_ALLOW_OPEN=yes if you want that, or "
            "leave the host at 127.0.0.1."
        )


def _check_port(config: Settings) -> None:
    """Check the port before anything is started; Streamlit itself would say it only in its log."""
    host, port = config.dashboard_host, config.dashboard_port
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        raise UserError(
            f"The dashboard can't listen on {_place(host, port)} ({error.strerror}): set PRICEWRIGHT_DASHBOARD_PORT to "
            "a free port (and PRICEWRIGHT_DASHBOARD_HOST to an address of this machine)."
        ) from error


def _page_answers(config: Settings) -> bool:
    # This class knows no proxy from the environment.
    connection = http.client.HTTPConnection(_reached_at(config), config.dashboard_port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


# --- The same for one command ---


@contextlib.contextmanager
def running_stack(*, worker: bool = True) -> Iterator[Callable[[], None]]:
    """Run what one command needs: the servers, and a worker if asked. What runs already is used and left running.

    Gives a function that starts again what this command started and what has ended since, for commands without an end.

    All that a command reads or prints from the database belongs inside: afterwards nobody may be there to ask.

    Commands that run at the same time share what the first one started; it waits for the others before it stops it.
    """
    config = settings()
    make_home(config)
    servers: list[embedded.Started] = []
    children: list[Child] = []
    with (config.home / "commands.lock").open("w") as users, engine.access(is_open=True):
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            servers = embedded.ensure(config, die_with_parent=True)
            engine.migrate()
            if worker and not _worker_serves():
                children = _children(config, worker_commands(config, f"-{os.getpid()}"))
                for child in children:
                    child.start()

            def tend() -> None:
                nonlocal servers
                if not all(server.is_alive for server in servers):
                    servers = [server for server in servers if server.is_alive]
                    servers += embedded.ensure(config, die_with_parent=True)
                for child in children:
                    child.keep_alive()

            yield tend
        finally:
            engine.engine().dispose()
            if servers or children:
                _wait_for_others(users)
            stop_all(children)
            for server in reversed(servers):
                server.stop()


def _wait_for_others(users: IO[str]) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another command still uses what this one started; Ctrl-C stops it anyway.", file=sys.stderr)
        with contextlib.suppress(KeyboardInterrupt):
            fcntl.flock(users, fcntl.LOCK_EX)


def _worker_serves() -> bool:
    with engine.begin() as session:
        return all(workers.serves(session, queue) for queue in (Queue.CPU, Queue.INTERACTIVE))
