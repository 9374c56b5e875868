"""Every verb about space, for pages, the command line and the schedule alike: what takes it, and freeing it."""

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from db import access, completions, events, storage
from db.engine import begin
from db.errors import NotFound, WrongState
from db.settings import settings
from db.storage import DatasetSpace
from db.types import Verb
from worker.datasets import actions as dataset_actions
from worker.jobs import actions as job_actions

AT_ONCE = 20
"""Datasets or jobs that one call deletes at most: a call on the schedule must end."""
ANSWERS_AT_ONCE = 20_000
EVENT_DAYS = 400
_DAY = 86_400.0
_IN_USE_SECONDS = 3_600.0  # a file may be read, or not be named in the database yet, for so long


class Freeable(StrEnum):
    """What can be freed by its kind."""

    SNAPSHOTS = "snapshots"
    SCRATCH = "scratch"
    LOGS = "logs"
    UPLOADS = "uploads"
    CHECKPOINTS = "checkpoints"
    COMPLETIONS = "completions"
    JOBS = "jobs"


ABOUT = {
    Freeable.SNAPSHOTS: "Prepared copies of predictions; they are made again when somebody looks.",
    Freeable.SCRATCH: "What workers that died left of chunks that nobody works on.",
    Freeable.LOGS: "Logs that were put aside.",
    Freeable.UPLOADS: "Archived datasets with all that hangs on them, and files that no dataset needs.",
    Freeable.CHECKPOINTS: "Where trainings that stand still would go on from; they would begin anew.",
    Freeable.COMPLETIONS: "Answers of endpoints; asked again they are paid again. What they cost stays.",
    Freeable.JOBS: "Archived jobs that are over, with their predictions.",
}
"""What goes when a kind is freed, in a sentence."""
HARMLESS = (Freeable.SNAPSHOTS, Freeable.SCRATCH)
"""Kinds that nobody misses, whatever their age."""

LABELS = {
    "uploads": "Uploaded files",
    "items": "Rows of datasets",
    "predictions": "Predictions",
    "completions": "Answers of endpoints",
    "knowledge": "Knowledge bases",
    "models": "Fitted techniques and adapters",
    "checkpoints": "Checkpoints of trainings",
    "snapshots": "Prepared copies of predictions",
    "scratch": "Work in progress",
    "converted": "Converted models",
    "logs": "Logs",
    storage.OTHER: "All else in the database",
}


@dataclass(frozen=True, slots=True)
class Space:
    """What one kind takes."""

    kind: str  # of LABELS
    bytes: int
    free: Freeable | None  # how it is freed


@dataclass(frozen=True, slots=True)
class Freed:
    kind: Freeable
    count: int  # files, folders, jobs, datasets or answers that are gone
    bytes: int  # of files; what the database gets back it keeps for new rows


def usage() -> list[Space]:
    """What takes space, the largest first."""
    with begin() as session:
        tables = storage.table_bytes(session)
    config = settings()
    found = dict(tables)
    for kind, folder in (
        ("uploads", config.files_dir),
        ("snapshots", config.home / "snapshots"),
        ("scratch", config.scratch_dir),
        ("checkpoints", config.training_dir),
        ("converted", config.models_dir),
        ("logs", config.logs_dir),
    ):
        found[kind] = found.get(kind, 0) + _size(folder)
    by_name = {str(kind): kind for kind in Freeable} | {"predictions": Freeable.JOBS, "items": Freeable.UPLOADS}
    spaces = [Space(kind, size, by_name.get(kind)) for kind, size in found.items()]
    return sorted(spaces, key=lambda space: -space.bytes)


def largest(limit: int = 10) -> list[tuple[DatasetSpace, int]]:
    """The datasets with the most rows, each with the bytes of its file."""
    with begin() as session:
        found = storage.largest(session, limit)
    return [(each, _size(settings().files_dir / each.file_sha256) if each.file_sha256 else 0) for each in found]


def free(kind: Freeable, days: int) -> Freed:
    """Free what of a kind is older than so many days and not needed; of HARMLESS kinds all of it. Raises NotAllowed for
    a person who is no admin: who does not see all can't tell what is needed."""
    access.check(Verb.FREE_SPACE)
    freed = _FREE[kind](days)
    with begin() as session:
        access.act(session, Verb.FREE_SPACE, what=str(kind), days=days, count=freed.count)
    return freed


def tidy() -> list[Freed]:
    """Free what is older than the settings keep it, a part at a time."""
    config = settings()
    done = [clear_scratch(), _bound_snapshots(int(config.keep_snapshots_gb * 1e9))]
    for kind, days in (
        (Freeable.LOGS, config.keep_logs_days),
        (Freeable.UPLOADS, config.keep_uploads_days),
        (Freeable.CHECKPOINTS, config.keep_checkpoints_days),
        (Freeable.COMPLETIONS, config.keep_completions_days),
        (Freeable.JOBS, config.keep_jobs_days),
    ):
        if days:
            done.append(_FREE[kind](days))
    with begin() as session:
        events.drop_older(session, EVENT_DAYS)
    return [each for each in done if each.count]


def clear_scratch() -> Freed:
    """Remove what workers left that died: folders of jobs that nobody works on."""
    return _free_scratch(0)


def _free_snapshots(days: int) -> Freed:
    del days
    return _remove(Freeable.SNAPSHOTS, _snapshots())


def _snapshots() -> list[Path]:
    """Snapshots that nobody reads any more, the oldest first."""
    found = [(_age(path), path) for path in (settings().home / "snapshots").glob("*")]
    return [path for age, path in sorted(found, reverse=True) if age > _IN_USE_SECONDS]


def _bound_snapshots(most: int) -> Freed:
    """Keep prepared copies below so many bytes; 0 = any."""
    over = _size(settings().home / "snapshots") - most if most else 0
    gone = []
    for path in _snapshots():
        if over <= 0:
            break
        over -= _size(path)
        gone.append(path)
    return _remove(Freeable.SNAPSHOTS, gone)


def _free_scratch(days: int) -> Freed:
    del days
    left = [*settings().scratch_dir.glob("job-*")]  # listed before anybody is asked who works: new ones are not in it
    with begin() as session:
        busy = storage.at_work(session)
    return _remove(Freeable.SCRATCH, [path for path in left if _job_of(path) not in busy])


def _free_logs(days: int) -> Freed:
    return _remove(Freeable.LOGS, [log for log in settings().logs_dir.glob("*.log.1") if _age(log) >= days * _DAY])


def _free_uploads(days: int) -> Freed:
    with begin() as session:
        old = storage.old_datasets(session, days, AT_ONCE)
    before = _size(settings().files_dir)
    deleted = _count(dataset_actions.delete_dataset, old)
    files = [path for path in settings().files_dir.glob("*") if _age(path) > max(_DAY, days * _DAY)]
    with begin() as session:
        used = storage.used_files(session)
    orphans = _remove(Freeable.UPLOADS, [path for path in files if path.name not in used])
    return Freed(Freeable.UPLOADS, deleted + orphans.count, max(0, before - _size(settings().files_dir)))


def _free_checkpoints(days: int) -> Freed:
    folders = {path: _job_of(path) for path in settings().training_dir.glob("*")}
    with begin() as session:
        dropped = storage.drop_checkpoints(session, days)
        kept = storage.may_go_on(session, [job for job in folders.values() if job is not None], days)
    removed = _remove(Freeable.CHECKPOINTS, [path for path, job in folders.items() if job not in kept])
    return Freed(Freeable.CHECKPOINTS, dropped + removed.count, removed.bytes)


def _free_completions(days: int) -> Freed:
    with begin() as session:
        return Freed(Freeable.COMPLETIONS, completions.forget_older(session, days, ANSWERS_AT_ONCE), 0)


def _free_jobs(days: int) -> Freed:
    with begin() as session:
        old = storage.old_jobs(session, days, AT_ONCE)
    return Freed(Freeable.JOBS, _count(job_actions.delete, old), 0)


_FREE: dict[Freeable, Callable[[int], Freed]] = {
    Freeable.SNAPSHOTS: _free_snapshots,
    Freeable.SCRATCH: _free_scratch,
    Freeable.LOGS: _free_logs,
    Freeable.UPLOADS: _free_uploads,
    Freeable.CHECKPOINTS: _free_checkpoints,
    Freeable.COMPLETIONS: _free_completions,
    Freeable.JOBS: _free_jobs,
}


def _count(delete: Callable[[int], None], ids: Iterable[int]) -> int:
    """How many of these could be deleted: what something else needs stays, and what is gone already does not matter."""
    done = 0
    for each in ids:
        try:
            delete(each)
        except (WrongState, NotFound):
            continue
        done += 1
    return done


def _remove(kind: Freeable, paths: Iterable[Path]) -> Freed:
    count = size = 0
    for path in paths:
        count, size = count + 1, size + _size(path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return Freed(kind, count, size)


def _job_of(path: Path) -> int | None:
    """The job whose folder it is: job-12-abc in scratch, 12 among trainings."""
    number = path.name.removeprefix("job-").partition("-")[0]
    return int(number) if number.isdecimal() else None


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; what goes meanwhile counts nothing."""
    if path.is_dir():
        return sum(_size(inner) for inner in path.iterdir() if not inner.is_symlink())
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _age(path: Path) -> float:
    """Seconds since a file changed; of one that is gone, none."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
