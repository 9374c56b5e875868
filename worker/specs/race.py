"""The settings of a race: one frozen model; the same on the same rows = one job."""

import hashlib
import json
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.errors import UserError
from worker.specs.base import BaseSpec

LEVEL = 0.95
"""Of races that an earlier version started, which could have no other."""

FEWEST, MOST = 2, 24
"""Techniques that can race: with more, all pairs can't be held at once with the rows that people have."""


class Margin(NamedTuple):
    """The difference that is none in practice."""

    value: float
    is_share: bool  # of the leader's error; else in the measure's unit


class RaceSpec(BaseModel):
    """What a race is decided by. The techniques and their settings stand in `techniques` as their specs' hashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    techniques: tuple[str, ...] = Field(min_length=FEWEST, max_length=MOST)
    margin: float = Field(0.02, ge=0)
    margin_is_share: bool = True
    measure: str = "mae"
    limit: int | None = Field(None, ge=1)
    weighted_by: str = ""  # the column of the rows' weights; "": they count alike
    level: float = Field(LEVEL, gt=0.5, lt=1)  # how sure all of its sentences are together

    @property
    def hash(self) -> str:
        came_later = {"weighted_by": "", "level": LEVEL}
        fields = self.model_dump(mode="json") | {"techniques": sorted(self.techniques)}
        fields = {name: value for name, value in fields.items() if came_later.get(name) != value}
        return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def of(
    techniques: list[BaseSpec],
    margin: Margin,
    measure: str,
    limit: int | None,
    weighted_by: str = "",
    level: float = LEVEL,
) -> RaceSpec:
    """Raises UserError for too few or too many techniques, or the same one twice."""
    hashes = tuple(spec.hash for spec in techniques)
    if not FEWEST <= len(hashes) <= MOST:
        raise UserError(f"A race takes {FEWEST} to {MOST} techniques, and here are {len(hashes)}.")
    if len(set(hashes)) < len(hashes):
        raise UserError("Two of these techniques are the same with the same settings; name each once.")
    try:
        return RaceSpec(
            techniques=hashes,
            margin=margin.value,
            margin_is_share=margin.is_share,
            measure=measure,
            limit=limit,
            weighted_by=weighted_by,
            level=level,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def parse_margin(text: str) -> Margin:
    """ "2%" is a share of the leader's error, "1.50" or "€1.50" is in the unit of the measure. Raises UserError."""
    said = text.strip().lstrip("$€£¥₹")
    try:
        value = float(said.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UserError(f"The margin should look like 2% or 1.50, and {text!r} does not.")
    return Margin(value / 100, is_share=True) if said.endswith("%") else Margin(value, is_share=False)
