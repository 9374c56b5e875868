"""A stack of its own for a benchmark: fresh servers in a temporary folder, removed afterwards."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def fresh_stack(*, worker: bool = True) -> Iterator[None]:
    """Runs a stack inside a `with`. Enter it before anything of ours is imported: settings are read once per
    process."""
    home = Path(tempfile.mkdtemp(prefix="pricewright-bench-"))
    home.chmod(0o755)
    os.environ["PRICEWRIGHT_DATA_DIR"] = str(home)
    from db.settings import settings

    settings.cache_clear()
    from worker.server.up import running_stack

    try:
        with running_stack(worker=worker):
            while worker and not _serves():
                time.sleep(0.05)  # starting Celery is not what is measured
            yield
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(settings().run_dir, ignore_errors=True)


def _serves() -> bool:
    from db import engine, workers
    from db.types import Queue

    with engine.begin() as session:
        return workers.serves(session, Queue.CPU)


def line(what: str, ours: float, peer_name: str, peer: float, unit: str) -> None:
    """Ours and the peer's side by side, with the ratio."""
    print(f"{what:<34} ours {ours:>12,.1f} {unit:<8} {peer_name} {peer:>12,.1f} {unit:<8} ratio {ours / peer:.2f}x")
