"""Comparisons made once: kept in the database under all that they rest on, made anew when any of it changed."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from db import adapters, comparisons, jobs
from db.engine import begin
from db.settings import settings
from db.types import Job, JobState
from worker.evaluation import compare, coverage, frontier_odds, slices
from worker.evaluation.compare import Compared
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import known_prices
from worker.pricing import repeats as runs

FORM = 1
"""Raised when what evaluation says of the same predictions changed: then all is made anew."""

Part = Literal["table", "every pair", "by category", "by band", "coverage", "coverage by category", "coverage by band"]
JUDGED: tuple[Part, ...] = ("table", "by category", "by band", "every pair")
"""Those that a measure judges, in the order in which a page shows them."""
COVERAGE: tuple[Part, ...] = ("coverage", "coverage by category", "coverage by band")
"""What intervals of prices hold; whatever the measure is."""
ALL: tuple[tuple[Part, str], ...] = (
    *((part, USUAL) for part in (*JUDGED, *COVERAGE)),
    *((part, by) for by in DECIDING if by != USUAL for part in JUDGED),
)
"""Every part by every measure, the most asked for first."""

AT_ONCE = 200_000
"""Predictions that are compared where somebody asks, in a second or two; more of them a worker compares before."""

Lines = Callable[[], pl.DataFrame]


class Comparison:
    """The parts of a comparison of some jobs."""

    def __init__(
        self, job_ids: Sequence[int], lines: Lines | None = None, *, merges: bool = True, weighted: bool = True
    ) -> None:
        """lines: fetches db.predictions.of_jobs of the jobs for rows whose price is known, where somebody has it.
        merges: runs of one technique are one line. weighted: by the weights of rows, where the dataset has some."""
        with begin() as session:
            self.jobs = jobs.some(session, job_ids)
            self.repeats = runs.heads(self.jobs, adapters.all(session)) if merges else {}
            self.weighted_by = known_prices.weighted_by(session, [job.id for job in self.jobs]) if weighted else ""
        self._lines = lines or self._read
        self._ready: tuple[pl.DataFrame, Compared] | None = None

    def part(self, part: Part, by: str = USUAL) -> pl.DataFrame:
        """`table`: worker.evaluation.compare.table with frontier_odds; `every pair`: compare.every_pair; `by category`
        and `by band`: of worker.evaluation.slices, judged by a measure of DECIDING. `coverage …`: of
        worker.evaluation.coverage."""
        key = self._key(part, by)
        with begin() as session:
            kept = comparisons.get(session, key)
        return self._make(part, by, key) if kept is None else kept

    def missing(self) -> list[tuple[Part, str]]:
        """Those of ALL that were not made yet."""
        with begin() as session:
            return [each for each in ALL if comparisons.get(session, self._key(*each)) is None]

    def _make(self, part: Part, by: str, key: str) -> pl.DataFrame:
        lines, compared = self._compared()
        how: dict[str, Any] = {"level": settings().confidence, "repeats": self.repeats}
        if part == "table":
            odds = frontier_odds.odds(lines, by=by, repeats=self.repeats)
            made = compared.table(by).join(odds, on="job_id", how="left", maintain_order="left")
        elif part == "every pair":
            made = compared.every_pair(by)
        elif part in COVERAGE:
            made = _COVERAGE[part](lines)
        else:
            made = _SLICES[part](lines, by=by, **how)
        if self.jobs and all(job.state is JobState.DONE for job in self.jobs):
            with begin() as session:
                comparisons.put(session, self.jobs[0].dataset_id, key, made)
        return made

    def _compared(self) -> tuple[pl.DataFrame, Compared]:
        if self._ready is None:
            lines = self._lines()
            self._ready = lines, Compared(lines, level=settings().confidence, repeats=self.repeats)
        return self._ready

    def _read(self) -> pl.DataFrame:
        with begin() as session:
            return known_prices.of_jobs(session, [job.id for job in self.jobs], weighted=bool(self.weighted_by)).lines

    def _key(self, part: Part, by: str) -> str:
        columns = [*compare.COLUMNS, *compare.PAIRS, *coverage.COLUMNS]  # a measure more, and all is made anew
        weighted_by = "" if part in COVERAGE else self.weighted_by  # what intervals hold is a plain count
        how = [settings().confidence, _versions(self.jobs), _pairs(self.repeats), weighted_by]
        about = [FORM, columns, part, by, *how]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()


_SLICES: dict[Part, Callable[..., pl.DataFrame]] = {
    "by category": slices.by_category,
    "by band": slices.by_band,
}
_COVERAGE: dict[Part, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "coverage": coverage.overall,
    "coverage by category": coverage.by_category,
    "coverage by band": coverage.by_band,
}


def _versions(chosen: Sequence[Job]) -> list[tuple[int, str, str]]:
    """What changes with the predictions of each job."""
    return [(job.id, job.state, str(job.finished_at)) for job in chosen]


def _pairs(repeats: Mapping[int, int]) -> list[tuple[int, int]]:
    return sorted(repeats.items())
