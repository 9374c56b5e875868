"""Jobs without a broker: messages are kept in a list, and the test is the worker."""

import pytest

from worker import actions, running


@pytest.fixture
def sent(monkeypatch) -> list[int]:
    """Messages instead of a broker: the ids of the chunks that were sent."""
    ids: list[int] = []
    monkeypatch.setattr(running, "send", lambda chunk_id, queue: ids.append(chunk_id))
    monkeypatch.setattr(actions, "send", lambda chunk_id, queue: ids.append(chunk_id))
    return ids


def drain(sent: list[int]) -> None:
    """Do what was sent, and what that sends, until nothing is left."""
    while sent:
        running.run_chunk(sent.pop(0))
