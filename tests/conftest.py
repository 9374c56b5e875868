"""Real servers for tests: one embedded Postgres and Valkey per test run, a fresh copy of the database per test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest

# Before anything of ours is imported: settings are read once.
_HOME = Path(tempfile.mkdtemp(prefix="pricewright-test-"))
_HOME.chmod(0o755)  # as root, Postgres runs as another user and must be able to enter
for _name in [name for name in os.environ if name.startswith("PRICEWRIGHT_")]:
    del os.environ[_name]
os.environ |= {
    "PRICEWRIGHT_DATA_DIR": str(_HOME),
    # Converted models outlive a test run: converting takes half a minute.
    "PRICEWRIGHT_MODEL_CACHE": str(Path(__file__).resolve().parents[1] / ".pricewright" / "models"),
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

from db import engine  # noqa: E402
from db.servers import embedded  # noqa: E402
from db.settings import settings  # noqa: E402

# Speed lives in `make bench`; a busy machine must not fail a test.
hypothesis.settings.register_profile("pricewright", deadline=None)
hypothesis.settings.load_profile("pricewright")

TEMPLATE = "pricewright_template"
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """Embedded Postgres and Valkey for the whole run."""
    started = embedded.ensure(settings())
    yield
    engine.engine().dispose()
    for server in started:
        server.stop()
    shutil.rmtree(_HOME, ignore_errors=True)
    shutil.rmtree(settings().run_dir, ignore_errors=True)


def _admin(statement: str) -> None:
    with psycopg.connect(
        host=str(settings().run_dir), user=embedded.USER, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


def remake_database(name: str, template: str = "template1") -> None:
    """A database that is a copy of the template, in place of one of the same name."""
    _admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _admin(f"CREATE DATABASE {name} TEMPLATE {template}")


def use_database(url: str) -> None:
    """Point this process at another database (empty = the embedded one)."""
    engine.engine().dispose()
    engine.engine.cache_clear()
    os.environ["PRICEWRIGHT_DATABASE_URL"] = url
    settings.cache_clear()


def database_url(name: str) -> str:
    return f"postgresql://{embedded.USER}@/{name}?host={settings().run_dir}"


@pytest.fixture(scope="session")
def template(servers: None) -> str:
    """A migrated database that tests copy; copying takes a few dozen milliseconds."""
    remake_database(TEMPLATE)
    use_database(database_url(TEMPLATE))
    engine.migrate()
    use_database("")
    return TEMPLATE


@pytest.fixture
def database(template: str) -> Iterator[str]:
    """A fresh database, used by everything in this process; gives its URL for other processes."""
    name = "test_database"
    remake_database(name, template)
    use_database(database_url(name))
    yield database_url(name)
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
