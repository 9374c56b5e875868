"""How the parts of a data-need job lie in its result, beside the report that is made of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from db.job_results import RungResult
from worker.evaluation.data_curve import Rung
from worker.evaluation.resampling import Floats

_RUNG = "rung "


def rung_name(place: int) -> str:
    """The key of a part by its place among the rungs (DataNeedSpec.rungs)."""
    return f"{_RUNG}{place}"


def rungs_of(stored: dict[str, Any] | None) -> list[RungResult]:
    """The parts that are done, of what db.results has of the job."""
    return [RungResult.parse(value) for name, value in (stored or {}).items() if name.startswith(_RUNG)]


def measured(parts: Sequence[RungResult]) -> list[Rung]:
    """What the curves are fitted to. All parts were measured on the same rows; a job that an earlier version began has
    parts without weights, and then all count alike."""
    is_weighted = all(part.weights for part in parts)
    return [Rung(part.way, part.rows, _off(part), np.array(part.weights) if is_weighted else None) for part in parts]


def _off(part: RungResult) -> Floats:
    """(m,) $ by which each measured row was off; NaN where no price came."""
    return np.array([np.nan if error is None else error for error in part.errors])
