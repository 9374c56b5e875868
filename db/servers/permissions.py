"""The user who runs the embedded servers, and who alone can reach their files."""

import contextlib
import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from db.errors import NotReady
from db.settings import Settings

BIRTH_USER = "nobody"
"""Who makes Postgres' files when we are root, because initdb wants a user that the system knows; given away then."""
_OWN_UIDS = range(60_706, 61_184)
"""Numbers that no distribution gives to anybody (systemd's table of user numbers): nobody else's process has one."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
SOCKET_PATH_BYTES = 103  # macOS; Linux allows 107


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user and group, both of this number, that run Postgres when we are root: it refuses to run as root."""

    uid: int

    def __str__(self) -> str:
        return f"the user with number {self.uid}"


def keep_private() -> None:
    """Make what this process and its children create for their user alone. The first thing in every process."""
    os.umask(0o077)


_MADE = ("files", "logs", "models", "postgres", "scratch", "secret.key", "snapshots", "training", "valkey")
_MADE_FILES = (".alive", ".lock", ".start")


def make_home(settings: Settings) -> None:
    """Make the data folder and its logs, closed to other users, and close what was left open. Raises NotReady.

    As root the folder stays open for walking through, not for listing, to the group of the user who runs Postgres: also
    where another database is used now, because ours may be running in there all the same.
    """
    home = settings.home
    owner = server_user(settings)
    try:
        for parent in reversed([folder for folder in home.parents if not folder.exists()]):
            parent.mkdir(exist_ok=True)
            parent.chmod(0o711 if owner else 0o700)  # said, because the umask would close it to Postgres' user
        home.mkdir(mode=0o700, exist_ok=True)
        status = home.stat()
        if status.st_mode & stat.S_ISVTX:
            raise NotReady(f"{home} is shared by all users: set PRICEWRIGHT_DATA_DIR to a folder of its own.")
        settings.logs_dir.mkdir(mode=0o700, exist_ok=True)
        if status.st_uid == os.getuid():  # else it is not ours to change, as a mounted folder may be
            if owner:
                os.chown(home, -1, owner.uid)
            home.chmod(0o710 if owner else 0o700)
        for entry in home.iterdir():
            if entry.name in _MADE or entry.suffix in _MADE_FILES:  # what else lies there is not ours
                _close(entry)
    except OSError as error:
        raise NotReady(f"{home} can't be used ({error.strerror}): set PRICEWRIGHT_DATA_DIR.") from error


def _close(entry: Path) -> None:
    """Take a file, or a folder with all in it, from other users; one that is closed is not looked into. No links."""
    with contextlib.suppress(FileNotFoundError):  # others work here meanwhile
        status = entry.lstat()
        if stat.S_ISLNK(status.st_mode) or status.st_uid != os.getuid() or not status.st_mode & OTHERS:
            return
        if stat.S_ISDIR(status.st_mode):
            for inner in entry.iterdir():
                _close(inner)
        entry.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)  # last: one that was interrupted is looked into again


def server_user(settings: Settings) -> ServerUser | None:
    """The user Postgres is to run as; None = ours.

    As root it is one that the system does not know and that runs nothing else, another one for each data folder.
    """
    if os.getuid() != 0:
        return None
    with contextlib.suppress(OSError):
        made_by = (settings.home / "postgres").stat().st_uid
        if made_by in _OWN_UIDS:
            return ServerUser(made_by)
    taken = {user.pw_uid for user in pwd.getpwall()}
    free = [uid for uid in _OWN_UIDS if uid not in taken]
    place = int.from_bytes(hashlib.sha256(str(settings.home).encode()).digest()[:8], "big")
    return ServerUser(free[place % len(free)])


def give(folder: Path, owner: ServerUser) -> None:
    """Give a folder with all in it to the server's user; links are given, not followed."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(parent) / name, owner.uid, owner.uid, follow_symlinks=False)
    os.chown(folder, owner.uid, owner.uid)


def prepare_run_dir(run: Path, owner: ServerUser | None) -> None:
    """Make a folder only the server's user (and root) may enter: the sockets in it ask for no password.

    Its name can be guessed and its parent is open to all, so what somebody else put there is refused, links included.
    """
    if len(os.fsencode(run / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES:
        raise NotReady(f"The path {run} is too long for a socket: set TMPDIR to a shorter folder.")
    uid = owner.uid if owner else os.getuid()
    with contextlib.suppress(OSError):
        if run.lstat().st_uid not in (uid, os.getuid()):
            run.rmdir()  # an older version's, if it is empty; what holds anything is looked at below
    with contextlib.suppress(FileExistsError):
        run.mkdir(mode=0o700, parents=True)
    refusal = f"{run} belongs to another user: remove it, or set PRICEWRIGHT_DATA_DIR to another folder."
    try:
        folder = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise NotReady(refusal) from error
    try:
        # Asked of the opened folder: what the name points at may be swapped meanwhile.
        if os.fstat(folder).st_uid not in (uid, os.getuid()):
            raise NotReady(refusal)
        os.fchmod(folder, 0o700)
        if owner:
            os.fchown(folder, owner.uid, owner.uid)
    finally:
        os.close(folder)


def check_reachable(owner: ServerUser, *paths: Path) -> None:
    """Check that the server's user can enter every folder above its files: as root Postgres runs as another user."""
    for path in paths:
        for part in [path.resolve(), *path.resolve().parents]:
            status = part.stat()
            through_group = status.st_gid == owner.uid and status.st_mode & stat.S_IXGRP
            if not (status.st_mode & stat.S_IXOTH or through_group or status.st_uid == owner.uid):
                raise NotReady(
                    f"Postgres refuses to run as root, and {owner}, who runs it instead, can't enter "
                    f"{part}: set PRICEWRIGHT_DATA_DIR to a folder that others may enter (and move the project there "
                    "too if it lies in a closed one), or run as another user."
                )


def check_owner(data: Path, owner: ServerUser | None) -> None:
    """Check that the server's user owns its files, as Postgres asks for; say so in words that help."""
    uid = owner.uid if owner else os.getuid()
    if data.stat().st_uid != uid:
        raise NotReady(
            f"{data} was made by another user (uid {data.stat().st_uid}): run as that user, or set "
            "PRICEWRIGHT_DATA_DIR to another folder."
        )
