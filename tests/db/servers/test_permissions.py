"""What another user of this machine can read, list or stand in for of ours: nothing."""

import contextlib
import io
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.errors import NotReady
from db.servers import embedded
from db.servers.permissions import OTHERS, keep_private, make_home, server_user
from db.settings import Settings, settings

ROOT = Path(__file__).resolve().parents[3]
NOBODY = 65534
STRANGER = 65533  # a user id that owns nothing
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")


@pytest.fixture
def place() -> Iterator[Settings]:
    """Settings of a data folder that is not there yet, in a folder that everybody may enter, under the usual umask."""
    parent = Path(tempfile.mkdtemp(prefix="pricewright-closed-"))
    parent.chmod(0o755)
    found = Settings(data_dir=parent / "data", database_url="", broker_url="")
    before = os.umask(0o022)
    yield found
    os.umask(before)
    shutil.rmtree(parent)
    shutil.rmtree(found.run_dir, ignore_errors=True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(home: Path) -> list[Path]:
    """What is below the data folder and another user could read, write or enter, were he there."""
    return [path for path in home.rglob("*") if not path.is_symlink() and path.stat().st_mode & OTHERS]


def run(place: Settings, *command: str, **how: object) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRICEWRIGHT_")}
    environment = kept | {"PRICEWRIGHT_DATA_DIR": str(place.home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, check=False, **how
    )  # type: ignore[call-overload]
    assert isinstance(done, subprocess.CompletedProcess)
    return done


@pytest.mark.stack
def test_what_a_first_start_creates_is_closed_to_other_users(place: Settings) -> None:
    done = run(place, "-m", "db.migrations")
    assert done.returncode == 0, done.stderr
    assert (place.home / "postgres" / "PG_VERSION").is_file()
    assert (place.logs_dir / "postgres.log").is_file()
    assert open_to_others(place.home) == []
    assert mode(place.home) == (0o710 if os.getuid() == 0 else 0o700)
    assert mode(place.run_dir) == 0o700


@as_root
@pytest.mark.stack
def test_a_deeper_folder_that_root_makes_is_still_reached_by_postgres(place: Settings) -> None:
    deeper = place.model_copy(update={"data_dir": place.home / "a" / "b"})
    done = run(deeper, "-m", "db.migrations")
    assert done.returncode == 0, done.stderr
    assert open_to_others(deeper.home) == []
    shutil.rmtree(deeper.run_dir)


def test_what_an_older_version_left_open_is_closed_and_links_are_not_followed(place: Settings) -> None:
    outside = place.home.parent / "outside"
    outside.write_text("not ours")
    outside.chmod(0o644)
    for folder in ("files", "logs", "models/some", "snapshots"):
        (place.home / folder).mkdir(parents=True)
        (place.home / folder / "data").write_text("secret")
    (place.home / "up.lock").write_text("")
    (place.home / "files" / "link").symlink_to(outside)
    (place.home / "models" / "some" / "run").write_text("")
    (place.home / "models" / "some" / "run").chmod(0o755)
    make_home(place)
    assert open_to_others(place.home) == []
    theirs = place.home / "Pictures"  # the data folder may be somebody's home
    theirs.mkdir()
    theirs.chmod(0o755)
    make_home(place)
    assert mode(theirs) == 0o755
    assert mode(place.home / "files" / "data") == 0o600
    assert mode(place.home / "models" / "some") == mode(place.home / "models" / "some" / "run") == 0o700
    assert mode(outside) == 0o644


@as_root
def test_as_root_the_user_of_postgres_walks_through_and_nobody_else_does(place: Settings) -> None:
    make_home(place)
    inner = place.home / "inner"
    inner.mkdir()
    inner.chmod(0o755)
    (inner / "file").write_text("there")
    (inner / "file").chmod(0o644)  # so that only the folder above keeps others away
    server = server_user(place)
    assert server is not None

    def reads(what: Path, user: int, group: int) -> bool:
        with subprocess.Popen(["/bin/ls", what], user=user, group=group, extra_groups=[], cwd="/",
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # fmt: skip
            return process.wait() == 0

    assert reads(inner / "file", server.uid, server.uid)
    assert not reads(place.home, server.uid, server.uid)
    assert not reads(inner / "file", STRANGER, STRANGER)


@as_root
@pytest.mark.stack
def test_no_other_users_process_is_let_into_the_database_or_its_files(place: Settings) -> None:
    """Neither one of `nobody`, who made the files, nor one of the very user who runs the server."""
    import psycopg

    make_home(place)
    server = server_user(place)
    assert server is not None
    started = embedded.ensure(place.model_copy(update={"broker_url": "redis://elsewhere"}))
    try:
        assert {owned.st_uid for owned in map(Path.lstat, (place.home / "postgres").rglob("*"))} == {server.uid}
        place.run_dir.chmod(0o755)  # even where the folder of the sockets is open
        asked = [str(embedded.tool("pg_dump")), "-h", str(place.run_dir), "-U", embedded.USER, embedded.DATABASE]
        for user in (NOBODY, STRANGER, server.uid):
            how: dict[str, Any] = {"user": user, "group": user, "extra_groups": [], "cwd": "/"}
            tried = subprocess.run(asked, env={}, capture_output=True, text=True, check=False, **how)
            assert not tried.stdout
            assert "authentication failed" in tried.stderr, tried.stderr
        with psycopg.connect(host=str(place.run_dir), user=embedded.USER, dbname=embedded.DATABASE) as ours:
            assert ours.execute("SELECT 1").fetchone() == (1,)
    finally:
        for each in started:
            each.stop()
    # Made by an older version, whose Postgres was `nobody`'s and let in everybody who came to the socket.
    for path in [place.home / "postgres", *(place.home / "postgres").rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    (place.home / "postgres" / "pg_hba.conf").write_text("local all all trust\n")
    started = embedded.ensure(place.model_copy(update={"broker_url": "redis://elsewhere"}))
    for each in started:
        each.stop()
    assert "trust" not in (place.home / "postgres" / "pg_hba.conf").read_text()
    assert (place.home / "postgres").stat().st_uid == server_user(place).uid


def test_a_folder_that_everybody_shares_is_refused_and_left_alone(place: Settings) -> None:
    place.home.mkdir()
    place.home.chmod(0o1777)
    with pytest.raises(NotReady, match="set PRICEWRIGHT_DATA_DIR to a folder of its own"):
        make_home(place)
    assert mode(place.home) == 0o1777


@pytest.mark.slow
@as_root
def test_a_server_that_a_stranger_put_where_ours_is_expected_is_asked_nothing(place: Settings) -> None:
    place.run_dir.mkdir(mode=0o755)
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(str(place.run_dir / "valkey.sock"))
        theirs.listen()
        theirs.settimeout(5)
        os.chown(place.run_dir, STRANGER, STRANGER)

        def answer() -> None:
            with contextlib.suppress(OSError):  # nobody came
                connection, _ = theirs.accept()
                with connection:
                    asked.append(connection.recv(64))
                    connection.sendall(b"+PONG\r\n")

        listener = threading.Thread(target=answer, daemon=True)
        listener.start()
        with pytest.raises(NotReady, match="belongs to another user"):
            embedded.ensure(place.model_copy(update={"database_url": "postgresql://elsewhere/x"}))
        listener.join()
    assert asked == []


def test_an_upload_is_readable_by_its_owner_only(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from worker.datasets import actions

    monkeypatch.setenv("PRICEWRIGHT_DATA_DIR", str(place.home))
    settings.cache_clear()
    try:
        stored = settings().files_dir / actions.store(io.BytesIO(b"title,price\n"))
        assert mode(stored) == 0o600
        assert mode(stored.parent) == 0o700
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("module", ["worker.tasks", "worker.cli"])
def test_a_process_of_ours_creates_nothing_for_others(place: Settings, module: str) -> None:
    """As compose starts them: without a parent that had said so."""
    call = (
        "import worker.tasks"
        if module == "worker.tasks"
        else "import worker.cli.main as c; c.app = lambda: 0; c.main()"
    )
    done = run(place, "-c", f"import os; os.umask(0o022); {call}; print(oct(os.umask(0)))")
    assert done.stdout.split()[-1] == "0o77", done.stderr


def test_keeping_private_is_about_other_users_only() -> None:
    before = os.umask(0o022)
    try:
        keep_private()
        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)
