"""A technique of somebody's own, and what other rooms' tests run things with."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.settings import settings
from tests.dashboard.conftest import as_served, open_page
from tests.money import dollars
from tests.worker.conftest import sent, terminal
from worker.specs import registry

__all__ = ["as_served", "dollars", "open_page", "own", "sent", "terminal"]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose module `own_prices` is named to Pricewright as one with techniques, as an installation does."""
    with monkeypatch.context() as changed:
        changed.setenv("PRICEWRIGHT_TECHNIQUES", "own_prices")
        changed.syspath_prepend(str(tmp_path))
        _forget()
        yield tmp_path
    _forget()


def _forget() -> None:
    sys.modules.pop("own_prices", None)
    settings.cache_clear()
    registry.known.cache_clear()
