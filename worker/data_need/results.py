"""How the parts of a data-need job lie in its result, beside the report that is made of them."""

from typing import Any

import numpy as np

from db.job_results import RungResult
from worker.evaluation.resampling import Floats

_RUNG = "rung "


def rung_name(place: int) -> str:
    """The key of a part by its place among the rungs (DataNeedSpec.rungs)."""
    return f"{_RUNG}{place}"


def rungs_of(stored: dict[str, Any] | None) -> list[RungResult]:
    """The parts that are done, of what db.results has of the job."""
    return [RungResult.parse(value) for name, value in (stored or {}).items() if name.startswith(_RUNG)]


def off(part: RungResult) -> Floats:
    """(m,) $ by which each measured row was off; NaN where no price came."""
    return np.array([np.nan if error is None else error for error in part.errors])
