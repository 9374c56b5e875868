"""Jobs without a broker: messages are kept in a list, and the test is the worker."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from db import workers
from db.engine import begin
from db.types import Queue
from worker import app, running


@pytest.fixture
def sent(monkeypatch) -> list[int]:
    """Messages instead of a broker: the ids of the chunks that were sent."""
    ids: list[int] = []
    for module in (app, running):
        monkeypatch.setattr(module, "send", lambda chunk_id, queue: ids.append(chunk_id))
    return ids


@pytest.fixture
def forked_couriers(monkeypatch) -> None:
    """Couriers of this process start in a moment; they are processes of their own all the same."""
    from tests.worker import couriers
    from worker.llm.endpoint import client

    monkeypatch.setattr(client, "_start", couriers.fork)


@pytest.fixture
def terminal(database: str, sent: list[int]) -> Callable[..., str]:
    """terminal("jobs", "--json") runs a command and gives what it printed; errors are raised. `ends`: its exit code.

    The command uses the running servers of the tests and starts no workers, because the test says hello as one, for
    the whole day. What it is sent it must `drain`, at the latest when the command sleeps.
    """
    from worker.cli import main

    with begin() as session:
        workers.hello(session, "the test", [Queue.CPU, Queue.INTERACTIVE], "cpu", 1)
        session.execute(text("UPDATE workers SET last_seen = now() + interval '1 day'"))

    def run(*words: str, ends: int = 0) -> str:
        result = CliRunner().invoke(main.app, list(words), catch_exceptions=False)
        assert result.exit_code == ends, result.output
        return result.stdout

    return run


def drain(sent: list[int]) -> None:
    """Do what was sent, and what that sends, until nothing is left."""
    while sent:
        running.run_chunk(sent.pop(0))
