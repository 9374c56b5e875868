"""Couriers forked from a process that has their imports, which cost more than most tests of them.

Each is as new as one that `python -m worker.llm.endpoint.courier` starts: nothing of ours has run in what it is forked
from. How one is really started is what test_courier_deaths.py and the children of test_courier.py do.
"""

import multiprocessing
import os
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from types import ModuleType
from typing import cast

import pytest

from worker.llm.endpoint import client, courier

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([courier.__name__, "openai.resources.chat", "sqlalchemy.dialects.postgresql.psycopg"])


class ForkedCourier:
    """What the client wants of a `subprocess.Popen`."""

    def __init__(self) -> None:
        # A test that starts processes of ours says so (tests/conftest.py), however they are started.
        sys.audit("subprocess.Popen", sys.executable, ["-m", courier.__name__], None, None)
        hears, says = os.pipe()
        reads, tells = os.pipe()
        with Connection(hears, writable=False) as its_in, Connection(tells, readable=False) as its_out:
            self._process = _forks.Process(target=_live, args=(its_in, its_out, dict(os.environ)), daemon=True)
            with pytest.MonkeyPatch.context() as patch:
                # A page that a test has run is the main module since, and would be run again in the new process.
                patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
                self._process.start()
        self.stdin, self.stdout = os.fdopen(says, "wb"), os.fdopen(reads, "rb")

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()


def fork() -> client._Courier:
    """A courier and the thread that listens to it, instead of `client._start`."""
    made = client._Courier(cast("subprocess.Popen[bytes]", ForkedCourier()))
    made.listener = threading.Thread(target=made.listen, name="courier", daemon=True)
    made.listener.start()
    return made


def _live(its_in: Connection, its_out: Connection, environment: dict[str, str]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(its_in.fileno(), 0)
    os.dup2(its_out.fileno(), 1)
    its_in.close()
    its_out.close()
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    courier.main()
