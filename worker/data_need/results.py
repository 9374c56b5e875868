"""How the parts of a data-need job lie in its result, beside the report that is made of them."""

from typing import Any

from db.job_results import RungResult

_RUNG = "rung "


def rung_name(place: int) -> str:
    """The key of a part by its place among the rungs (DataNeedSpec.rungs)."""
    return f"{_RUNG}{place}"


def rungs_of(stored: dict[str, Any] | None) -> list[RungResult]:
    """The parts that are done, of what db.results has of the job."""
    return [RungResult.parse(value) for name, value in (stored or {}).items() if name.startswith(_RUNG)]
