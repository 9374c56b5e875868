"""Real servers for tests: one embedded Postgres and Valkey per test run, a database as good as new per test."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.homes import make_home, remove_home, remove_leftovers

# Before anything else of ours is imported: settings are read once.
_HOME = make_home("test")
for _name in [name for name in os.environ if name.startswith(("PRICEWRIGHT_", "SSL_CERT_"))]:
    del os.environ[_name]
os.environ |= {
    "PRICEWRIGHT_DATA_DIR": str(_HOME),
    # Converted models outlive a test run: converting takes half a minute.
    "PRICEWRIGHT_MODEL_CACHE": str(Path(__file__).resolve().parents[1] / ".pricewright" / "models"),
    "HF_HUB_OFFLINE": "1",
    # No call leaves this machine; each client of an endpoint would read all authorities of the web first.
    "SSL_CERT_DIR": str(_HOME),
    "TOKENIZERS_PARALLELISM": "false",
    # As in our workers (worker/lifecycle.py): threads that spin while they wait for another process's core.
    "OMP_WAIT_POLICY": "PASSIVE",
}

from db import acting, engine  # noqa: E402
from db.servers import embedded  # noqa: E402
from db.settings import settings  # noqa: E402
from tests.databases import Emptied, database_url, forget_the_disk, remake_database, use_database  # noqa: E402
from worker import amounts  # noqa: E402
from worker.amounts import currencies  # noqa: E402

# Speed lives in `make bench`; a busy machine must not fail a test. Where the tests decide whether a change lands, each
# run tries the same examples; a person's runs try new ones.
hypothesis.settings.register_profile("pricewright", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("pricewright")

TEMPLATE = "pricewright_template"
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


_MARKED = re.compile(r"^pytestmark = (.*)$", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file whose every test is left out by -m is not imported either: some import torch, which takes seconds."""
    left_out = re.findall(r"not (\w+)", config.option.markexpr)
    if not left_out or collection_path.suffix != ".py":
        return None
    marks = _MARKED.search(collection_path.read_text())
    return True if marks and any(f"mark.{name}" in marks[1] for name in left_out) else None


def pytest_configure(config: pytest.Config) -> None:
    """Once in each run, by the process that hands the tests out."""
    if not hasattr(config, "workerinput"):
        remove_leftovers()


def pytest_unconfigure() -> None:
    """In every process: also one that only hands tests out has imported this file, and so has a folder."""
    remove_home(_HOME)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: one that begins last keeps one of two processes busy while the other has nothing left."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("browser", "stack", "model")])


_MODELS = os.environ["PRICEWRIGHT_MODEL_CACHE"]
_acts: set[str] = set()
"""Markers of what the test at work has done."""


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: notes when a process of ours is started, and when a file of a packaged model is opened."""
    if event == "subprocess.Popen" and "-m worker." in " ".join(map(str, arguments[1])):
        _acts.add("stack")
    if event == "open" and str(arguments[0]).startswith(_MODELS):
        _acts.add("model")


sys.addaudithook(_notice)


@pytest.fixture(autouse=True)
def _is_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that does what `make quick` leaves out has to say so, or it fails there."""
    yield
    left_out = str(request.config.option.markexpr)
    missing = sorted(name for name in _acts if f"not {name}" in left_out)
    _acts.clear()
    assert not missing, f"It needs the marker {' and '.join(missing)}: see [tool.pytest] in pyproject.toml."


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """Embedded Postgres and Valkey for the whole run."""
    started = embedded.ensure(settings())
    forget_the_disk()
    yield
    engine.engine().dispose()
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def template(servers: None) -> str:
    """A migrated database that tests copy."""
    remake_database(TEMPLATE)
    use_database(database_url(TEMPLATE))
    engine.migrate()
    use_database("")
    return TEMPLATE


@pytest.fixture(scope="session")
def emptied(template: str) -> Iterator[Emptied]:
    emptied = Emptied("test_database", template)
    yield emptied
    emptied.close()


@pytest.fixture
def database(emptied: Emptied) -> Iterator[str]:
    """A database as migrations leave it, used by everything in this process; gives its URL for other processes."""
    emptied.freshen()
    use_database(emptied.url)
    yield emptied.url
    use_database("")


@pytest.fixture
def session(database: str) -> Iterator[engine.Session]:
    with engine.begin() as session:
        yield session


@pytest.fixture
def broker(servers: None) -> None:
    """The embedded Valkey, empty."""
    from worker.app import app

    with app.connection_for_write() as connection:
        connection.default_channel.client.flushall()


@pytest.fixture(scope="session")
def amazon_items() -> Path:
    """3,853 real products with prices; not part of the repository."""
    path = REAL_DATA / "amazon_items.csv.gz"
    if not path.is_file():
        pytest.skip(f"the real data set is not at {path}")
    return path


@pytest.fixture(autouse=True)
def _nobody_acts() -> Iterator[None]:
    """Pages that a test runs in its own process say who acts in it from then on; the next one forgets."""
    yield
    acting.identify(None)


@pytest.fixture(autouse=True)
def _no_currency() -> Iterator[None]:
    """A command that a test runs in its own process says how prices are written from then on; the next one forgets."""
    with amounts.written_in(amounts.Money(currencies.UNKNOWN, 2)):
        yield
