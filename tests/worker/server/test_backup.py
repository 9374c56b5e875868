"""A backup taken while work goes on brings everything back on an empty machine, or changes nothing there."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import products
from tests.homes import make_home, remove_home

pytestmark = pytest.mark.stack
ROOT = Path(__file__).resolve().parents[3]
Machine = Callable[..., str]


class Failed(Exception):
    """A command that ended with another exit code than 0; the text is what it said on stderr."""


def machine(home: Path) -> Machine:
    """Runs a command on a data folder of its own; what it printed."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PRICEWRIGHT_")}
    environment = ours | {"PRICEWRIGHT_DATA_DIR": str(home), "PRICEWRIGHT_DEMO": "false"}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "worker.cli", *words]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise Failed(ended.stderr)
        return ended.stdout

    return run


@pytest.fixture(scope="module")
def homes() -> Iterator[Callable[[], Path]]:
    """Makes data folders; they are gone when the tests are."""
    with contextlib.ExitStack() as stack:

        def make() -> Path:
            home = make_home("test")
            stack.callback(remove_home, home)
            return home

        yield make


@pytest.fixture(scope="module")
def taken(homes: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A backup of a machine with a priced table, and what that machine says of it."""
    folder = tmp_path_factory.mktemp("backup")
    table, file = folder / "shop.csv", folder / "all.tar"
    products(120).write_csv(table)
    run = machine(homes())
    run("price", str(table), "--technique", "constant")
    said = {"datasets": run("datasets", "--json"), "jobs": run("jobs", "--json")}
    made = json.loads(run("backup", str(file), "--json"))
    assert made["uploads"] == 1
    assert made["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0, "everybody's data: closed to others"
    assert not list(folder.glob("*.part"))
    return file, said


def test_an_empty_machine_goes_on_where_the_first_was(
    taken: tuple[Path, dict[str, Any]], homes: Callable[[], Path], tmp_path: Path
) -> None:
    file, said = taken
    home = homes()
    run = machine(home)
    back = json.loads(run("restore", str(file), "--json"))
    assert (back["datasets"], back["uploads"], back["paused"]) == (1, 1, 0)
    assert run("datasets", "--json") == said["datasets"]
    assert run("jobs", "--json") == said["jobs"]
    assert not list(home.glob("backup-*")), "nothing is left aside"
    run("price", "shop", "--technique", "ridge")  # the upload's rows are here to learn from
    target = tmp_path / "priced.csv"
    priced = json.loads(run("jobs", "--json"))[0]["id"]
    run("export", str(priced), str(target), "--as-uploaded")
    assert len(target.read_bytes().splitlines()) == 121, "her own file, from the upload that came along"

    with pytest.raises(Failed, match="There is something here already"):
        run("restore", str(file))


def test_a_file_that_is_no_whole_backup_changes_nothing(
    taken: tuple[Path, dict[str, Any]], homes: Callable[[], Path], tmp_path: Path
) -> None:
    file, _ = taken
    run = machine(homes())
    cut, other, spoiled, newer = (tmp_path / name for name in ("cut.tar", "other.tar", "spoiled.tar", "newer.tar"))
    cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    other.write_text("a text")
    with tarfile.open(file) as source, tarfile.open(spoiled, "w") as bad, tarfile.open(newer, "w") as ahead:
        for member in source:
            content = source.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name.startswith("files/"):
                _add(bad, member.name, data.replace(b"Lamp", b"Pear").replace(b"e", b"a"))
            else:
                _add(bad, member.name, data)
            _add(ahead, member.name, data.replace(b'"schema_version":"0', b'"schema_version":"9'))
    for path, why in (
        (cut, "not whole|can't be restored"),
        (other, "is no backup"),
        (spoiled, "is damaged"),
        (newer, "made by a newer Pricewright"),
        (tmp_path / "none.tar", "There is no file"),
    ):
        with pytest.raises(Failed, match=why):
            run("restore", str(path))
    assert json.loads(run("datasets", "--json")) == []
    assert json.loads(run("restore", str(file), "--json"))["datasets"] == 1, "the place is as empty as it was"


def test_a_backup_takes_no_place_of_another(taken: tuple[Path, dict[str, Any]], homes: Callable[[], Path]) -> None:
    file, _ = taken
    before = file.read_bytes()
    with pytest.raises(Failed, match="is there already"):
        machine(homes())("backup", str(file))
    assert file.read_bytes() == before


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
