"""The embedded servers: they start once, survive crashes, refuse what is unsafe and leave nothing behind."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from db.errors import NotReady
from db.servers import embedded
from db.servers.permissions import server_user
from db.settings import Settings

pytestmark = pytest.mark.stack
ROOT = Path(__file__).resolve().parents[3]
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root hands its servers to another user")


_started: list[embedded.Started] = []


def ensure(settings: Settings) -> list[embedded.Started]:
    """embedded.ensure, with the processes kept so that the fixture can wait for them."""
    started = embedded.ensure(settings)
    _started.extend(started)
    return started


@pytest.fixture
def place() -> Iterator[Settings]:
    """Settings of an empty data folder; whatever runs on it is killed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="pricewright-servers-"))
    home.chmod(0o755)  # as root, Postgres runs as another user; pytest's tmp_path is closed to others
    settings = Settings(data_dir=home, database_url="", broker_url="")
    yield settings
    for process in servers_of(settings):
        with contextlib.suppress(psutil.Error):
            process.kill()
    while _started:
        _started.pop().process.wait(30)
    wait_until(lambda: not any(embedded.is_running(settings, name) for name in ("postgres", "valkey")))
    shutil.rmtree(home)
    if settings.run_dir.is_symlink():
        settings.run_dir.unlink()
    shutil.rmtree(settings.run_dir, ignore_errors=True)


def servers_of(settings: Settings) -> list[psutil.Process]:
    """Main processes whose command line names the data folder or its sockets."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() in ("postgres", "valkey-server") and str(settings.run_dir) in " ".join(process.cmdline()):
                found.append(process)
    return found


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def sql(settings: Settings, statement: str, dbname: str = embedded.DATABASE) -> list[tuple[object, ...]]:
    with psycopg.connect(host=str(settings.run_dir), user=embedded.USER, dbname=dbname, autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def valkey(settings: Settings, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(settings.run_dir / "valkey.sock"))
        client.sendall(f"{command}\r\n".encode())
        return client.recv(4096).decode()


def starter(settings: Settings, *, die_with_parent: bool) -> subprocess.Popen[str]:
    """Another process that starts the servers, says which were its own, and waits for its stdin to close."""
    code = (
        "import sys; from db.servers import embedded; from db.settings import settings\n"
        f"print(*[s.name for s in embedded.ensure(settings(), die_with_parent={die_with_parent})], flush=True)\n"
        "sys.stdin.read()"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PRICEWRIGHT_")}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment | {"PRICEWRIGHT_DATA_DIR": str(settings.home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_both_servers_start_once_with_pgvector_and_stop_without_a_trace(place: Settings) -> None:
    started = ensure(place)
    assert [server.name for server in started] == ["postgres", "valkey"]
    assert ensure(place) == []  # reused, and not ours to stop
    sql(place, "CREATE EXTENSION vector")
    assert sql(place, "SELECT '[3,4]'::vector <-> '[0,0]'::vector") == [(5.0,)]
    assert valkey(place, "PING") == "+PONG\r\n"
    for server in started:
        server.stop()
    assert servers_of(place) == []
    assert not embedded.is_running(place, "postgres")
    assert not embedded.is_running(place, "valkey")
    assert [path.name for path in place.run_dir.iterdir()] == []


def test_the_servers_listen_only_on_sockets_that_other_users_cannot_reach(place: Settings) -> None:
    ensure(place)
    for process in servers_of(place):
        assert [c for c in process.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN] == []
    assert stat.S_IMODE(place.run_dir.stat().st_mode) == 0o700
    assert sql(place, "SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]


def test_processes_that_start_at_once_share_one_pair_of_servers_which_outlives_them(place: Settings) -> None:
    starters = [starter(place, die_with_parent=False) for _ in range(3)]
    answers = [process.communicate(timeout=120)[0].split() for process in starters]
    assert [process.returncode for process in starters] == [0, 0, 0]
    assert sorted(name for answer in answers for name in answer) == ["postgres", "valkey"]
    assert len(servers_of(place)) == 2
    assert embedded.is_running(place, "postgres")
    assert ensure(place) == []


def test_servers_that_should_die_with_their_starter_do_so_even_after_kill_9(place: Settings) -> None:
    with starter(place, die_with_parent=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().split() == ["postgres", "valkey"]
        process.kill()
    wait_until(lambda: not servers_of(place))


def test_after_kill_9_both_start_again_with_what_they_held(place: Settings) -> None:
    started = ensure(place)
    sql(place, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    valkey(place, "RPUSH queue message")
    time.sleep(1.5)  # Valkey promises all but the last second
    for server in started:
        server.process.send_signal(signal.SIGKILL)
    again = ensure(place)  # at once: children of the killed Postgres may still be there
    assert [server.name for server in again] == ["postgres", "valkey"]
    assert sql(place, "SELECT count(*) FROM kept") == [(1000,)]
    assert valkey(place, "LLEN queue") == ":1\r\n"
    for server in started:
        server.process.wait()


def test_lock_files_with_a_pid_that_another_program_has_by_now_are_no_obstacle(place: Settings) -> None:
    for server in ensure(place):
        server.stop()
    owner = server_user(place)
    uid = owner.uid if owner else os.getuid()
    # A pid of the same user: only then Postgres takes it for a living server.
    with subprocess.Popen(["/bin/sleep", "600"], user=uid) as other:
        text = f"{other.pid}\n{place.home / 'postgres'}\n1\n5432\n{place.run_dir}\n\n"
        for lock in (place.home / "postgres" / "postmaster.pid", place.run_dir / ".s.PGSQL.5432.lock"):
            lock.write_text(text)
            os.chown(lock, uid, -1)
        (place.run_dir / ".s.PGSQL.5432").touch()
        (place.run_dir / "valkey.sock").touch()
        try:
            assert len(ensure(place)) == 2
            assert sql(place, "SELECT 1") == [(1,)]
            assert other.poll() is None
        finally:
            other.kill()


def test_a_half_made_data_folder_is_made_anew(place: Settings) -> None:
    half = place.home / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    ensure(place)
    assert sql(place, "SELECT 1") == [(1,)]
    assert not half.exists()


def test_a_database_that_was_never_made_because_the_starter_was_killed_is_made_later(place: Settings) -> None:
    ensure(place)
    sql(place, f"DROP DATABASE {embedded.DATABASE}", dbname="postgres")
    assert ensure(place) == []
    assert sql(place, "SELECT current_database()") == [(embedded.DATABASE,)]


def test_the_environment_with_its_secrets_is_not_handed_to_the_servers(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sesame")
    monkeypatch.setenv("PGPORT", "6000")  # a setting of the user's own Postgres must not move ours
    ensure(place)
    assert len(servers_of(place)) == 2
    for process in servers_of(place):
        assert "SOME_API_KEY" not in process.environ()
    assert (place.run_dir / ".s.PGSQL.5432").exists()


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(place: Settings) -> None:
    (place.home / "postgres").mkdir()
    (place.home / "postgres" / "letters.txt").write_text("dear")
    with pytest.raises(NotReady, match="no database"):
        embedded.start_postgres(place)
    assert (place.home / "postgres" / "letters.txt").read_text() == "dear"


def test_a_link_planted_where_the_sockets_go_is_refused_and_its_target_left_alone(
    place: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o755)
    before = target.stat()
    place.run_dir.symlink_to(target)
    with pytest.raises(NotReady, match="belongs to another user"):
        ensure(place)
    assert (target.stat().st_uid, target.stat().st_mode) == (before.st_uid, before.st_mode)


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_running(place: Settings) -> None:
    for server in ensure(place):
        server.stop()
    with (place.home / "postgres" / "postgresql.conf").open("a") as config:
        config.write("no_such_setting = 1\n")
    with pytest.raises(NotReady, match=r"postgres did not start .*no_such_setting|postgres did not start .*FATAL"):
        ensure(place)
    assert servers_of(place) == []


@as_root
def test_as_root_a_closed_folder_above_the_data_gets_one_sentence_that_says_what_to_do(place: Settings) -> None:
    closed = place.home / "closed"
    closed.mkdir(mode=0o700)
    inside = place.model_copy(update={"data_dir": closed / "data"})
    with pytest.raises(NotReady, match="PRICEWRIGHT_DATA_DIR") as caught:
        embedded.ensure(inside)
    assert str(closed) in str(caught.value)
    assert "\n" not in str(caught.value)
    shutil.rmtree(inside.run_dir)


@as_root
def test_as_root_postgres_runs_as_a_user_of_its_own_even_under_a_strict_umask(place: Settings) -> None:
    before = os.umask(0o077)
    try:
        deeper = place.model_copy(update={"data_dir": place.home / "data"})
        server = embedded.start_postgres(deeper)
    finally:
        os.umask(before)
    assert server is not None
    try:
        uid = psutil.Process(server.process.pid).uids().real
        with pytest.raises(KeyError):
            pwd.getpwuid(uid)  # nobody of this system, so that nothing else runs as it
    finally:
        server.stop()
        shutil.rmtree(deeper.run_dir)


def test_servers_of_ones_own_are_never_started() -> None:
    own = Settings(database_url="postgresql://db.example/x", broker_url="redis://broker.example/0")
    assert embedded.names(own) == []
    assert embedded.ensure(own) == []


def test_a_broker_whose_files_are_broken_starts_anew_and_keeps_them_aside(place: Settings) -> None:
    valkey_server = ensure(place)[1]
    assert valkey(place, "SET work 1") == "+OK\r\n"
    valkey_server.stop()
    for part in (place.home / "valkey" / "appendonlydir").iterdir():
        part.write_bytes(b"*3\r\n$3\r\nnonsense" * 100)
    assert [server.name for server in ensure(place)] == ["valkey"]
    assert valkey(place, "EXISTS work") == ":0\r\n"
    assert b"nonsense" in b"".join(
        part.read_bytes() for part in (place.home / "valkey.broken" / "appendonlydir").iterdir()
    )


def test_a_broker_that_cannot_start_at_all_says_why(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_valkey_binary", lambda: Path("/bin/false"))
    with pytest.raises(NotReady, match=r"valkey did not start"):
        ensure(place)
