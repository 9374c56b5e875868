"""An uploaded table, its states and its versions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class DatasetState(StrEnum):
    UPLOADED = "uploaded"  # bytes are stored, nobody has looked at them
    INSPECTED = "inspected"  # dialect, preview and a proposed mapping are known; waits for the user
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"  # could not be read; `error` says why


class MadeBy(StrEnum):
    """How a version of a dataset came to be."""

    DECISIONS = "decisions"  # about its prices: the rows, their numbers and the test side are those of the parent
    FILE = "file"  # another upload, whose rows are numbered and divided anew


@dataclass(frozen=True, slots=True)
class Changes:
    """What a version has that the dataset it was made from has not, in rows."""

    added: int
    removed: int
    repriced: int
    by_id: bool  # products were told by an id of her own; else by title and description


@dataclass(frozen=True, slots=True)
class Dataset:
    id: int
    name: str
    state: DatasetState
    file_sha256: str
    file_name: str
    is_synthetic: bool
    rows_in: int  # data lines in the file; rows_in == items + rejects once ready
    items: int
    rejects: int
    inspection: dict[str, Any]  # worker.ingest.read.Inspection as JSON; {} before it was looked at
    mapping: dict[str, str]  # field of an item -> column of the file
    profile: dict[str, Any]  # worker.datasets.profile as JSON
    splits: dict[str, int]  # Split -> count
    error: str | None
    created_at: datetime
    made_from: int | None = None  # the dataset that this one is a version of; None: of none that is still there
    made_by: MadeBy | None = None  # of a version
    changes: Changes | None = None  # since the dataset that it was made from; None: nobody counted them
    description: str = ""
    archived_at: datetime | None = None  # None: it is offered in lists
    currency: str = ""  # ISO 4217 code of its prices; "" = nobody said which
    joined_from: tuple[int, ...] = ()  # the datasets whose items this one holds together; () = it was loaded
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it
    shared_with: tuple[str, ...] = ()  # who else sees it, as db.visibility.names says
