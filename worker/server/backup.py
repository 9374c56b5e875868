"""One file with all that another machine needs to go on: the database and the uploads, consistent while work goes on.

Not in it: models and logs, which are made anew, and the keys of endpoints, which only the environment has.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from db import access, dump, engine
from db.audit import Thing
from db.errors import NotReady, UserError
from db.settings import settings
from db.types import Verb
from worker.server.up import running_stack

_MANIFEST, _DUMP, _UPLOADS = "pricewright.json", "database.dump", "files"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK = 1 << 20
RESTORED = "paused because it was restored from a backup: where that came from, it may have gone on"


class Manifest(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(frozen=True)

    schema_version: str  # of the database, as db.engine.newest_version
    program: str  # version of Pricewright
    made_at: datetime
    uploads: int


class Restored(BaseModel):
    """What came back."""

    model_config = ConfigDict(frozen=True)

    made_at: datetime
    datasets: int
    jobs: int
    paused: int  # jobs among these that were at work
    uploads: int


def backup(target: Path) -> Manifest:
    """Write everything into one file, whole or not at all. Raises UserError where it is there already or can't be
    written, NotReady where the database can't be read."""
    if target.exists():
        raise UserError(f"{target} is there already; choose another name.")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent}.")
    with running_stack(worker=False), _scratch() as folder:
        with engine.begin() as session:
            access.act(session, Verb.BACKUP, Thing("backup", "", target.name))
        uploads = folder / _UPLOADS
        uploads.mkdir()
        # Before and after the dump: whatever it names is in one of the two, also what is deleted or added meanwhile.
        _link_uploads(uploads)
        schema_version = engine.newest_version()
        dump.write(folder / _DUMP)
        _link_uploads(uploads)
        files = sorted(uploads.iterdir())
        manifest = Manifest(
            schema_version=schema_version,
            program=version("pricewright"),
            made_at=datetime.now(UTC),
            uploads=len(files),
        )
        (folder / _MANIFEST).write_text(manifest.model_dump_json())
        half = target.with_name(f"{target.name}.part")
        try:
            with half.open("wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
                for path in (folder / _MANIFEST, folder / _DUMP, *files):
                    archive.add(path, path.relative_to(folder).as_posix(), recursive=False)
                archive.close()
                file.flush()
                os.fsync(file.fileno())
            half.rename(target)
        except OSError as error:
            raise UserError(f"{target} can't be written: {error.strerror or error}.") from error
        finally:
            half.unlink(missing_ok=True)
    return manifest


def restore(source: Path) -> Restored:
    """Bring back what a backup holds, into an empty Pricewright. Jobs that were at work are paused, so that nothing is
    paid twice. Raises UserError where the file is no whole backup, where something is here already, or where
    Pricewright runs; then nothing has changed."""
    access.check(Verb.RESTORE_BACKUP)
    with _opened(source) as archive, _nothing_runs():
        manifest = _manifest(archive, source)
        with running_stack(worker=False), _scratch() as folder:
            _refuse_data()
            _unpack(archive, source, folder)
            if len(list((folder / _UPLOADS).iterdir())) != manifest.uploads or not (folder / _DUMP).is_file():
                raise UserError(f"{source} is not whole: something that it names is missing; take another backup.")
            try:
                dump.replace(folder / _DUMP)
            except NotReady as error:
                raise UserError(f"{source} can't be restored: {error}") from error
            settings().files_dir.mkdir(mode=0o700, exist_ok=True)
            for path in (folder / _UPLOADS).iterdir():
                path.rename(settings().files_dir / path.name)
            paused, counts = dump.pause_all(RESTORED), dump.counts()
            with engine.begin() as session:
                access.act(session, Verb.RESTORE_BACKUP, Thing("backup", "", source.name), made_at=manifest.made_at)
    return Restored(
        made_at=manifest.made_at,
        datasets=counts["datasets"],
        jobs=counts["jobs"],
        paused=paused,
        uploads=manifest.uploads,
    )


# --- The file ---


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        archive = tarfile.open(source)  # noqa: SIM115 - closed below; only the opening is guarded
    except FileNotFoundError as error:
        raise UserError(f"There is no file {source}.") from error
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"{source} is no backup of Pricewright.") from error
    with archive:
        yield archive


def _manifest(archive: tarfile.TarFile, source: Path) -> Manifest:
    first = archive.next()
    stream = archive.extractfile(first) if first and first.name == _MANIFEST and first.size < _BLOCK else None
    try:
        manifest = Manifest.model_validate_json(stream.read() if stream else b"")
    except ValidationError as error:
        raise UserError(f"{source} is no backup of Pricewright.") from error
    if manifest.schema_version > engine.newest_version():
        raise UserError(f"{source} was made by a newer Pricewright ({manifest.program}); update Pricewright.")
    return manifest


def _unpack(archive: tarfile.TarFile, source: Path, folder: Path) -> None:
    """Write dump and uploads into `folder`; an upload's name is the hash of its bytes, which is looked at."""
    uploads = folder / _UPLOADS
    uploads.mkdir()
    try:
        for member in archive:
            kind, _, name = member.name.partition("/")
            is_upload = kind == _UPLOADS and bool(_SHA256.fullmatch(name))
            stream = archive.extractfile(member) if member.isreg() and (is_upload or member.name == _DUMP) else None
            if stream is None:
                continue
            digest = _copy(stream, folder / member.name)
            if is_upload and digest != name:
                raise UserError(f"{source} is damaged: the upload {name[:12]}… has other bytes than it had.")
    except (tarfile.TarError, EOFError) as error:
        raise UserError(f"{source} is not whole; take another backup.") from error


def _copy(stream: IO[bytes], target: Path) -> str:
    """The sha256 of what was copied."""
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while block := stream.read(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _link_uploads(folder: Path) -> None:
    """Give every upload a second name in `folder`, which keeps it when the first is deleted."""
    with contextlib.suppress(FileNotFoundError):  # nothing was uploaded yet
        for path in settings().files_dir.iterdir():
            if _SHA256.fullmatch(path.name):  # not one that is just coming in
                with contextlib.suppress(FileExistsError, FileNotFoundError):
                    os.link(path, folder / path.name)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder beside the uploads: on their disk, so that they can be linked and moved."""
    folder = Path(tempfile.mkdtemp(prefix="backup-", dir=settings().home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- The place that it comes back to ---


@contextlib.contextmanager
def _nothing_runs() -> Iterator[None]:
    """Hold off `pricewright up` until the block ends. Raises UserError where it runs."""
    home = settings().home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "up.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Pricewright runs for {home}: stop it first, then restore.") from None
        yield


def _refuse_data() -> None:
    held = dump.counts()
    if any(held.values()):
        what = ", ".join(f"{count:,} {it}" for it, count in held.items() if count)
        raise UserError(f"There is something here already ({what}): restore into an empty PRICEWRIGHT_DATA_DIR.")
