"""A watched folder on the disk: which files arrived whole, and where priced and bad ones are put."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError

ASIDE = "aside"
"""Folder below the one of priced files where bad files go."""
WHY = ".why.txt"
"""Ending of the file beside a bad one that says what is wrong with it."""

_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".filepart", ".swp", ".lock", "~")
_LONGEST = 200  # bytes of a name that endings can be added to
_OF_SYSTEMS = ("thumbs.db", "desktop.ini")
_Stat = tuple[int, int, int]  # inode, size in bytes, time of the last change in ns


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that lies still."""

    path: Path
    sha256: str

    @property
    def name(self) -> str:
        """Its name as text: bytes that are none are replaced."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")


class Folder:
    """Looks at a folder again and again; a file has arrived when it did not change for `still_seconds`.

    What a file holds is read once, until it changes.
    """

    def __init__(self, path: Path, still_seconds: float) -> None:
        self.path = path
        self._still = still_seconds
        self._since: dict[Path, tuple[_Stat, float]] = {}
        self._known: dict[Path, tuple[_Stat, str]] = {}
        self.refused: dict[Path, str] = {}
        """Files that nobody lets us read, and why."""

    def arrived(self) -> Iterator[Arrived]:
        """The files that lie still now, by name. Raises UserError where the folder is gone."""
        try:
            paths = sorted(path for path in self.path.iterdir() if _is_meant(path.name))
        except OSError as error:
            raise UserError(f"The folder {self.path} can't be read ({error.strerror}).") from error
        self._since = {path: self._since[path] for path in paths if path in self._since}
        self._known = {path: self._known[path] for path in paths if path in self._known}
        self.refused = {path: self.refused[path] for path in paths if path in self.refused}
        for path in paths:
            sha256 = self._content(path)
            if sha256 is not None:
                yield Arrived(path, sha256)

    def is_empty_handed(self) -> bool:
        """Whether every file that is meant was read as it lies there now: none is on its way."""
        with contextlib.suppress(OSError):
            return all(self._is_read(path) for path in self.path.iterdir() if _is_meant(path.name))
        return False

    def _is_read(self, path: Path) -> bool:
        if path in self.refused or not path.is_file():
            return True
        return path in self._known and self._known[path][0] == _stat(path)

    def _content(self, path: Path) -> str | None:
        """sha256 of a file that lies still; None of one that moves, is no file, or can't be read."""
        try:
            if not path.is_file():
                return None
            now, stat = time.monotonic(), _stat(path)
            known = self._known.get(path)
            if known and known[0] == stat:
                return known[1]
            before = self._since.get(path)
            if before is None or before[0] != stat:
                self._since[path] = (stat, now)
                return None
            if now - before[1] < self._still:
                return None
            sha256 = hash_of(path)
            if _stat(path) != stat:
                return None
        except PermissionError as error:
            self.refused[path] = error.strerror or "no permission"
            return None
        except OSError:
            return None
        self.refused.pop(path, None)
        self._known[path] = (stat, sha256)
        return sha256


def _is_meant(name: str) -> bool:
    lower = name.lower()
    return not (lower.startswith((".", "~")) or lower.endswith((*_UNFINISHED, WHY)) or lower in _OF_SYSTEMS)


def _stat(path: Path) -> _Stat:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def hash_of(path: Path) -> str:
    """sha256 of what a file holds."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def put_aside(path: Path | None, kept: Path | None, name: str, sha256: str, why: str, out: Path, number: int) -> Path:
    """Put a bad file below `out` with its sentence beside it, byte by byte as it came; where it is then.

    path: where it lies in the watched folder, None: it does not lie there any more; kept: where else its bytes are.
    It leaves the watched folder once they are on the disk, and only if it still holds them. Doing it again changes
    nothing. Raises OSError.
    """
    folder = out / ASIDE
    folder.mkdir(exist_ok=True)
    target = aside_place(out, name, sha256, number)
    source = next((each for each in (path, kept) if each is not None and each.is_file()), None)
    if not target.exists() and source is not None:
        draft = folder / f".{target.name}.part"
        with source.open("rb") as stream, draft.open("wb") as copy:
            while block := stream.read(1 << 20):
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
        draft.replace(target)
    _write(target.with_name(target.name + WHY), f"{why}\n".encode())
    sync_folder(folder)
    if path is not None and path.exists() and target.exists():
        stat = _stat(path)
        # What was written into it meanwhile is another file, and is to be taken as one.
        if hash_of(path) == sha256 == hash_of(target) and _stat(path) == stat:
            path.unlink()
    return target


def aside_place(out: Path, name: str, sha256: str, number: int) -> Path:
    """Where a bad file lies or will lie: under its own name, unless another one lies there or it is too long."""
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{number}{Path(name).suffix[:20]}"
    target = out / ASIDE / name
    if target.is_file() and hash_of(target) != sha256:
        return target.with_name(f"{number}-{name}")
    return target


def _write(target: Path, content: bytes) -> None:
    draft = target.with_name(f".{target.name}.part")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def publish(draft: Path, target: Path) -> None:
    """Give a finished file its name, once its bytes are on the disk. Raises OSError."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where its file system can do that."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
