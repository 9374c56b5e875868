"""Which user runs the embedded servers, and can that user (and nobody else) reach its files?"""

import contextlib
import os
import pwd
import stat
from pathlib import Path

from db.errors import NotReady
from db.settings import Settings

SERVER_USER = "nobody"  # who runs Postgres when we are root: it refuses to run as root
SOCKET_PATH_BYTES = 103  # macOS; Linux allows 107


def make_home(settings: Settings) -> None:
    """The data folder and its logs. Raises NotReady."""
    try:
        settings.logs_dir.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0 and settings.home.stat().st_uid == 0:
            # Postgres' user must be able to walk through our folder, whatever the umask says; not to list it.
            settings.home.chmod(stat.S_IMODE(settings.home.stat().st_mode) | stat.S_IXOTH)
    except OSError as error:
        raise NotReady(f"{settings.home} can't be used ({error.strerror}): set PRICEWRIGHT_DATA_DIR.") from error


def server_user() -> pwd.struct_passwd | None:
    """The user Postgres is to run as; None = ours."""
    return pwd.getpwnam(SERVER_USER) if os.getuid() == 0 else None


def prepare_run_dir(run: Path, owner: pwd.struct_passwd | None) -> None:
    """A folder only the server's user (and root) may enter: the sockets in it ask for no password.

    Its name can be guessed and its parent is open to all, so what somebody else put there is refused, links included.
    """
    if len(os.fsencode(run / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES:
        raise NotReady(f"The path {run} is too long for a socket: set TMPDIR to a shorter folder.")
    uid = owner.pw_uid if owner else os.getuid()
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
            os.fchown(folder, owner.pw_uid, owner.pw_gid)
    finally:
        os.close(folder)


def check_reachable(owner: pwd.struct_passwd, *paths: Path) -> None:
    """As root Postgres runs as `nobody`, who must be able to enter every folder above its files."""
    for path in paths:
        for part in [path.resolve(), *path.resolve().parents]:
            found = part.stat()
            if not found.st_mode & stat.S_IXOTH and found.st_uid != owner.pw_uid:
                raise NotReady(
                    f"Postgres refuses to run as root, and the user {owner.pw_name}, who runs it instead, can't enter "
                    f"{part}: set PRICEWRIGHT_DATA_DIR to a folder that others may enter (and move the project there "
                    "too if it lies in a closed one), or run as another user."
                )


def check_owner(data: Path, owner: pwd.struct_passwd | None) -> None:
    """Postgres runs only on files of its own user; say so in words that help."""
    uid = owner.pw_uid if owner else os.getuid()
    if data.stat().st_uid != uid:
        raise NotReady(
            f"{data} was made by another user (uid {data.stat().st_uid}): run as that user, or set "
            "PRICEWRIGHT_DATA_DIR to another folder."
        )
