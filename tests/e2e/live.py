"""A whole Pricewright for a test: `pricewright up` as a person would start it, in a folder and on a port of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from db import job_progress, jobs
from db.settings import Settings
from tests.homes import make_home, remove_home

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Live:
    """A running stack and the ways to look into it from outside."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.environment = environment
        self.url = f"http://127.0.0.1:{environment['PRICEWRIGHT_DASHBOARD_PORT']}"
        self.process: subprocess.Popen[str] | None = None

    def up(self) -> None:
        """Start and wait for the line that says it is ready."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "up"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        assert self.process.stdout
        for line in self.process.stdout:
            said.append(line)
            if "is ready" in line:
                return
        raise AssertionError("pricewright up ended early:\n" + "".join(said))

    def down(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self.process
        self.process.terminate()
        code = self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def start_cli(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "worker.cli", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def cli(self, *arguments: str) -> Any:
        """What `pricewright ARGUMENTS --json` prints."""
        process = self.start_cli(*arguments, "--json")
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err + out
        return json.loads(out)

    @cached_property
    def engine(self) -> Engine:
        """One for all looks, ten a second: it keeps compiled statements, but no connection that a kill would end."""
        run_dir = Settings(data_dir=self.home).run_dir
        return create_engine(f"postgresql+psycopg://pricewright@/pricewright?host={run_dir}", poolclass=NullPool)

    def jobs(self) -> list[dict[str, Any]]:
        """Every job with how far it is, newest first, read past the command line; [] while the database is away."""
        try:
            with Session(self.engine) as session:
                every = jobs.all(session)
                states = {state.job_id: state for state in job_progress.of(session, [job.id for job in every])}
                return [asdict(job) | asdict(states[job.id]) for job in every]
        except OperationalError:
            return []

    def find(self, *words: str) -> list[psutil.Process]:
        """Running processes below the supervisor whose command line has all the words."""
        assert self.process
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if all(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
            except psutil.Error:
                continue  # it ended while we looked
        return found

    def wait_for(self, what: str, condition: Any, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for: {what}"
            time.sleep(0.1)


def kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # its parent's death took it along


@contextmanager
def live_stack(**settings: str) -> Iterator[Live]:
    """A started stack; stopped and removed afterwards. Settings are PRICEWRIGHT_ variables in lower case."""
    home = make_home("e2e")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PRICEWRIGHT_DATABASE")}
    environment |= {"PRICEWRIGHT_DATA_DIR": str(home), "PRICEWRIGHT_DASHBOARD_PORT": str(free_port())}
    environment |= {"PRICEWRIGHT_" + name.upper(): value for name, value in settings.items()}
    stack = Live(home, environment)
    try:
        stack.up()
        yield stack
    finally:
        if stack.process and stack.process.poll() is None:
            stack.down()
        remove_home(home)


@contextmanager
def bare_dashboard(database: str) -> Iterator[str]:
    """The address of a dashboard on a database, with nothing else beside it."""
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "dashboard/web_app.py"),
            *(f"--server.port={port}", "--server.address=127.0.0.1"),
        ],
        cwd=ROOT,
        env=os.environ | {"PRICEWRIGHT_DATABASE_URL": database},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    try:
        next(line for line in server.stdout if f":{port}" in line)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()
