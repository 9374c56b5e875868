"""Everything that the three rooms import is declared, so that no other package's change of mind takes it away."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("dashboard", "worker", "db")


def imported(source: str) -> Iterator[str]:
    """Top-level names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def plain(name: str) -> str:
    """The name of a distribution as an index compares it: Jinja2 and jinja2, huggingface_hub and huggingface-hub."""
    return re.sub(r"[-_.]+", "-", name).lower()


def provided(requirement: str) -> set[str]:
    """Top-level names of the modules that a distribution brings; of one that is not installed here, its own name."""
    try:
        files = distribution(requirement).files or ()
    except PackageNotFoundError:
        return {requirement}
    return {file.parts[0].removesuffix(".py") for file in files}


def test_every_import_is_declared() -> None:
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    declared = {plain(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    found = {name for file in files for name in imported(file.read_text())} - {*sys.stdlib_module_names, *ROOMS}
    assert {"polars", "streamlit", "celery"} <= found
    assert found - {name for each in declared for name in provided(each)} == set()
