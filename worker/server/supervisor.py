"""Keeps a child process alive and stops it: started in a group of its own, restarted with growing pauses."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from db.servers.processes import dies_with_parent
from worker.telemetry import metrics

STOP_SECONDS = 15.0  # how long children may take to end in order; a chunk lost later is only handed out again


class Backoff:
    """When something that fails may be tried again: at once, then after 0.5, 1, 2 ... seconds, at most 30. What went
    well for STEADY seconds did not fail: it was ended."""

    FIRST, LONGEST, STEADY = 0.5, 30.0, 12.0

    def __init__(self) -> None:
        self._pause = self.FIRST
        self._next = 0.0

    def may_try(self) -> bool:
        """Whether the pause is over; if so, the next one begins. A quiet time is a fresh start."""
        now = time.monotonic()
        if now < self._next:
            return False
        if now > self._next + self.STEADY:
            self._pause = self.FIRST
        self._next = now + self._pause
        self._pause = min(self.LONGEST, self._pause * 2)
        return True


class Child:
    """`python -m ...` that is started again whenever it ends; what it prints goes to its own log."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]):
        self.name = name
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._command = [sys.executable, "-m", *command]
        self._folder = folder
        self._environment = dict(environment)
        self._backoff = Backoff()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops children in order
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one system call, nothing that threads could disturb
            )

    def keep_alive(self) -> None:
        """Start the child if it is not running. To be called often."""
        if self.process and self.process.poll() is None:
            return
        if not self._backoff.may_try():
            return
        if self.process:
            print(
                f"{self.name} ended ({_ending(self.process.returncode)}); starting it again, see {self.log}", flush=True
            )
            metrics.CHILD_RESTARTS.labels(self.name).inc()
            self._kill_group()
        self.start()

    def ask_to_stop(self) -> None:
        """Ask the child to end. A Celery worker then finishes the task at hand and takes no other."""
        if self.process:
            self.process.terminate()

    def stop(self, deadline: float) -> None:
        """Wait for the child until `deadline` (on the monotonic clock), then kill it with all that it started."""
        if not self.process:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        self._kill_group()
        self.process.wait()

    def _kill_group(self) -> None:
        """Kill what a child left behind, too: a worker that was killed can't end its own children."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def stop_all(children: Sequence[Child]) -> None:
    """Stop all children, asked at once, so that they take as long as the slowest one, at most STOP_SECONDS."""
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        child.stop(deadline)


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
