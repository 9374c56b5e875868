"""What is in use: pricers and the files that they priced."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class PricerState(StrEnum):
    CANDIDATE = "candidate"  # made, nobody relies on it
    IN_USE = "in use"  # the version that prices files; a name has at most one
    RETIRED = "retired"  # was in use, or was given up; can come back


@dataclass(frozen=True, slots=True)
class Pricer:
    """A version of a named choice: a technique with its source and what it promises. Only its state changes."""

    id: int
    name: str
    version: int
    state: PricerState
    description: str
    spec: dict[str, Any]  # worker.specs, with its adapter
    spec_hash: str
    source_id: int  # the dataset that it learned from
    source_fingerprint: str
    job_id: int | None  # whose error is promised; None: it was deleted
    verdict_id: int | None  # that chose it; None: somebody chose without one, or it was forgotten
    promise: dict[str, Any]  # worker.pricers.promise.Promise as JSON
    hit_rate: float | None  # the wish by which rows are handed to a person, 0 to 1; None: none
    within: float | None  # what counts as a hit, as a share of the real price
    best_before: date | None
    created_by: str
    created_at: datetime
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it
    shared_with: tuple[str, ...] = ()  # who else sees it, as db.visibility.names says


@dataclass(frozen=True, slots=True)
class PricerChange:
    """Who moved a version of a pricer, from where to where, and why."""

    name: str
    version: int
    before: PricerState | None  # None: it was made
    after: PricerState
    who: str
    why: str
    overrides: str  # the objection that was overridden; "" = there was none
    at: datetime


class BatchState(StrEnum):
    WAITING = "waiting"  # taken, not loaded yet
    PRICING = "pricing"
    PRICED = "priced"  # its file is written whole
    ASIDE = "aside"  # could not be priced; its error says why


@dataclass(frozen=True, slots=True)
class PricerBatch:
    """A file that a pricer priced, or was to price."""

    id: int
    pricer_name: str
    pricer_id: int | None  # None: the version was deleted
    file_name: str
    file_sha256: str
    folder: str  # the watched one that it lay in; "": somebody brought it
    target: str  # where the priced file is written; "": nowhere, it is downloaded
    state: BatchState
    error: str | None
    dataset_id: int | None
    job_id: int | None
    rows: int
    rejects: int
    flagged: int  # handed to a person, rejects aside
    unlike: int  # of these: unlike what was learned from
    usd: Decimal | None  # None: not known
    truth: dict[str, Any] | None  # worker.batches.truth.Truth as JSON; None: no real prices came yet
    created_at: datetime
    finished_at: datetime | None
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it
