"""The settings of a verdict check: one frozen model; the same jobs and settings = the same check."""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ROWS = 2_000
"""More test rows than that are sampled: a check resamples them tens of thousands of times."""


class VerdictCheckSpec(BaseModel):
    """Whose predictions are checked, and by what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["verdict-check"] = "verdict-check"
    jobs: tuple[int, ...] = Field(min_length=2)
    measure: str
    level: float
    rounds: int = Field(400, ge=50, le=10_000, title="Rounds", description="Simulated comparisons of each sort.")
    seed: int = 0
    weighted_by: str = ""  # the column that errors are weighted by; "": none

    @property
    def hash(self) -> str:
        values = self.model_dump(mode="json", exclude=None if self.weighted_by else {"weighted_by"})
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
