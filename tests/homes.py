"""Data folders of tests: each bears its process's number, so that the next run can remove what a cut-off one left."""

import re
import shutil
import tempfile
from os import getpid
from pathlib import Path

import psutil

from db.settings import Settings

_NAME = re.compile(r"pricewright-(?:test|e2e)-(\d+)-")


def make_home(kind: str) -> Path:
    """A new data folder of this process; `kind` is test or e2e."""
    home = Path(tempfile.mkdtemp(prefix=f"pricewright-{kind}-{getpid()}-"))
    home.chmod(0o755)  # as root, Postgres runs as another user and must be able to enter
    return home


def remove_home(home: Path) -> None:
    """Remove a data folder and the folder of its sockets."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(Settings(data_dir=home).run_dir, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the data folders of processes that are no more. A server that still runs in one ends by itself then."""
    for home in Path(tempfile.gettempdir()).glob("pricewright-*-*-*"):
        name = _NAME.match(home.name)
        if name and not psutil.pid_exists(int(name[1])):
            remove_home(home)
