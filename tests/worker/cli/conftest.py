"""Commands that wait for their work, with the test as the worker."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.worker.conftest import drain
from worker.cli import batches, watch


@pytest.fixture
def command(terminal: Callable[..., str], sent: list[int], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """command("price", "1", ...) gives what is printed, as `terminal` does; while it waits, what it sent is done."""
    for module in (watch, batches):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _: drain(sent), monotonic=lambda: 0.0))
    return terminal
