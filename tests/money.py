"""Prices in dollars: how figures are written in tests that have no dataset to ask."""

from collections.abc import Iterator

import pytest

from worker import amounts


@pytest.fixture(autouse=True)
def dollars() -> Iterator[None]:
    """For a conftest to import: prices are written in dollars."""
    with amounts.written_in(amounts.DOLLARS):
        yield
