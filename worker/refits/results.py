"""What refits brought, as it lies in a job's results: prices of rows, under the place of each refit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refit:
    """What one repeat of cross-fitting, or one origin, priced."""

    rows: tuple[int, ...]
    prices: tuple[float | None, ...]  # $, None: none was read
    learned: int  # rows that each fit learned from, on average
    torn: int  # priced rows with a near-duplicate among those learned from
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def name(place: int) -> str:
    return f"refit {place}"


def found(metrics: Mapping[str, Any] | None) -> dict[int, Refit]:
    """Place -> refit, of those that are done, in order."""
    done = {
        int(key.removeprefix("refit ")): value for key, value in (metrics or {}).items() if key.startswith("refit ")
    }
    return {
        place: Refit(**(done[place] | {"rows": tuple(done[place]["rows"]), "prices": tuple(done[place]["prices"])}))
        for place in sorted(done)
    }
