"""A pricer, and a watched folder with the test as the worker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db import datasets
from db import settings as db_settings
from db.engine import begin
from db.types import Pricer, PricerBatch
from tests.builders import a_catalogue, a_dataset
from tests.databases import Emptied
from tests.worker.conftest import drain
from worker import specs
from worker.batches.watch import Watch
from worker.pricers import actions as pricers
from worker.pricing import actions as pricing


@pytest.fixture
def pricer(database: str, emptied: Emptied, sent: list[int]) -> Pricer:
    """The pricer "monthly": what a baseline learned from 300 items."""
    return emptied.remembered(_a_pricer, sent)


def _a_pricer(sent: list[int]) -> Pricer:
    with begin() as session:
        source = a_dataset(session, 300)
        columns = ("title", "description", "category", "brand", "price")
        datasets.change(session, source, mapping={name: name for name in columns})
    (job,) = pricing.start(source, [specs.ConstantSpec()])
    drain(sent)
    return pricers.make("monthly", "Ann", job_id=job)


class Watched:
    """A folder, where priced files go, and what was told."""

    def __init__(self, folder: Path, sent: list[int]) -> None:
        self.inbox, self.out, self.told = folder / "in", folder / "out", list[str]()
        self.inbox.mkdir()
        self._sent = sent

    def watch(self) -> Watch:
        """A watch that begins anew, as one that follows a kill."""
        watch = Watch("monthly", self.inbox, self.out, self._tell)
        watch.check()
        return watch

    def _tell(self, sentence: str, batch: PricerBatch | None) -> None:
        self.told.append(sentence)

    def run(self, watch: Watch | None = None) -> None:
        """Until nothing is left to do."""
        watch = watch or self.watch()
        with watch.alone():
            for _ in range(200):
                if not watch.turn():
                    return
                drain(self._sent)
        raise AssertionError(f"it does not come to an end: {self.told}")

    def put(self, name: str, rows: int = 6, seed: int = 9) -> bytes:
        """A file without prices."""
        content = a_catalogue(rows, seed=seed).drop("row", "price").write_csv().encode()
        (self.inbox / name).write_bytes(content)
        return content

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir() if path.is_file())


@pytest.fixture
def watched(pricer: Pricer, tmp_path: Path, sent: list[int], still: Callable[[float], None]) -> Watched:
    return Watched(tmp_path, sent)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """still(2.0) sets how long a file has to lie; at first not longer than between two looks."""

    def lie(seconds: float) -> None:
        monkeypatch.setenv("PRICEWRIGHT_WATCH_SECONDS", str(seconds))
        db_settings.settings.cache_clear()

    lie(1e-9)
    yield lie
    db_settings.settings.cache_clear()
