"""What people keep of comparisons: verdicts, scenarios, their own guesses."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class SavedScenario:
    """What somebody supposed about volume and prices, kept by name."""

    id: int
    dataset_id: int
    name: str
    settings: dict[str, Any]  # worker.specs.what_if.Scenario as JSON
    created_at: datetime
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it


@dataclass(frozen=True, slots=True)
class Game:
    """Somebody guesses the prices of test rows, against the clock."""

    id: int
    dataset_id: int
    person: str
    seed: int  # that the rows were drawn with
    rows: list[int]  # in the order in which they are asked
    seconds: int  # that it may take
    started_at: datetime
    ended_at: datetime | None  # None: it goes on, unless its time is over
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it


@dataclass(frozen=True, slots=True)
class SavedVerdict:
    """A verdict that somebody means to act on, as it was when it was saved. Never changed."""

    id: int
    dataset_id: int
    facts: dict[str, Any]  # worker.saved_verdicts.facts.Facts as JSON
    best_before: date | None  # from then on a model that the choice needs is gone; None: nobody says so of any
    created_at: datetime
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it
