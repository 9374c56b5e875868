"""A Pricewright that may be broken: started in a data folder that is marked for it, found process by process."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil

from db.engine import DatabaseAway, Session, begin
from db.errors import NotReady, UserError
from db.servers.permissions import make_home
from db.settings import settings
from worker.app import app

MARK = "made-for-chaos"
READY_SECONDS = 180.0
Result = TypeVar("Result")


def check_may_break() -> Path:
    """The data folder, if it is a test's: new, empty, or marked by an earlier run. Raises UserError for every other."""
    config = settings()
    if config.database_url or config.broker_url:
        raise UserError(
            "Chaos kills servers and shifts leases, so it takes only a stack with its own database and broker: unset "
            "PRICEWRIGHT_DATABASE_URL and PRICEWRIGHT_BROKER_URL."
        )
    mark = config.home / MARK
    if config.home.exists() and any(config.home.iterdir()) and not mark.exists():
        raise UserError(
            f"{config.home} holds data that is not marked as a test's, and chaos breaks whatever it finds: set "
            "PRICEWRIGHT_DATA_DIR to a new folder."
        )
    make_home(config)
    mark.touch()
    return config.home


class Stack:
    """The processes below one supervisor, and transactions that wait for their database."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped: list[psutil.Process] = []

    def up(self) -> None:
        """Starts everything. Raises NotReady with where to read why it did not start."""
        here = Path(__file__).resolve().parents[2]
        own = {"PRICEWRIGHT_DEMO": "false", "PRICEWRIGHT_DASHBOARD_PORT": str(self._port)}
        own |= {"PRICEWRIGHT_DATA_DIR": str(settings().home), "PYTHONPATH": str(here)}
        own |= {"PRICEWRIGHT_DASHBOARD_HOST": "127.0.0.1"}
        with (settings().logs_dir / "chaos-up.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.cli", "up"], cwd=here, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PRICEWRIGHT_WORKER_CONCURRENCY": "2"} | dict(os.environ) | own, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + READY_SECONDS
        while not self.page_answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NotReady(f"The stack did not start; see {settings().logs_dir / 'chaos-up.log'}.")
            time.sleep(0.2)

    def down(self) -> None:
        self.wake_stopped()
        if self._process and self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(60)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def crash(self) -> None:
        """Kills the supervisor, which takes everything along, and starts it again, as whoever runs it would."""
        assert self._process
        self._process.kill()
        self._process.wait()
        time.sleep(1)
        self.up()

    def page_answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            connection.request("GET", "/_stcore/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    # Processes

    def find(self, *words: str) -> list[psutil.Process]:
        """Processes below the supervisor whose command line has all the words."""
        assert self._process
        found = []
        with suppress(psutil.Error):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if all(word in " ".join(process.cmdline()) for word in words):
                        found.append(process)
        return found

    def mains(self, queue: str) -> list[psutil.Process]:
        """The worker of a queue, without its children."""
        found = self.find("celery", f"-Q {queue} ")
        numbers = {process.pid for process in found}
        return [process for process in found if _parent(process) not in numbers]

    def children(self, queue: str) -> list[psutil.Process]:
        """What the worker of a queue forked: pool children, or beat of the control worker."""
        found = self.find("celery", f"-Q {queue} ")
        mains = {process.pid for process in self.mains(queue)}
        return [process for process in found if process.pid not in mains]

    def stop(self, process: psutil.Process) -> None:
        process.suspend()
        self._stopped.append(process)

    def wake_stopped(self) -> None:
        """Lets everything that was stopped and is still there go on, as after a long sleep."""
        for process in self._stopped:
            with suppress(psutil.Error):
                process.resume()
        self._stopped.clear()

    # State

    def ask(self, work: Callable[[Session], Result], seconds: float = 120.0) -> Result:
        """What a transaction brings; waits for the database. Raises NotReady after `seconds`."""
        return patiently(lambda: _in_transaction(work), seconds)

    @contextmanager
    def broker(self) -> Iterator[Any]:
        """The broker's client. Raises what kombu raises while it is away."""
        with app.connection_for_write() as connection:
            yield connection.default_channel.client


def patiently(work: Callable[[], Result], seconds: float = 120.0) -> Result:
    """What some work brings that needs the database, which may be away for a while."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return work()
        except DatabaseAway as error:
            if time.monotonic() > deadline:
                raise NotReady(f"The database was away for {seconds:.0f} seconds.") from error
            time.sleep(0.1)


def _in_transaction(work: Callable[[Session], Result]) -> Result:
    with begin() as session:
        return work(session)


def _parent(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.ppid())
    return 0
