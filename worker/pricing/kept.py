"""Comparisons made once: kept in the database under all that they rest on, made anew when any of it changed."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import polars as pl

from db import adapters, comparisons, jobs
from db.engine import begin
from db.settings import settings
from db.types import Job, JobState
from worker.evaluation import choice, compare, coverage, frontier_odds, slices
from worker.evaluation.choice import Question
from worker.evaluation.compare import Compared
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import known_prices
from worker.pricing import repeats as runs

FORM = 2
"""Raised when what evaluation says of the same predictions changed: then all is made anew."""

Part = Literal[
    "table", "every pair", "by category", "by band", "coverage", "coverage by category", "coverage by band",
    "apart in cost", "apart in time",
]  # fmt: skip
JUDGED: tuple[Part, ...] = ("table", "by category", "by band", "every pair")
"""Those that a measure judges, in the order in which a page shows them."""
COVERAGE: tuple[Part, ...] = ("coverage", "coverage by category", "coverage by band")
"""What intervals of prices hold; whatever the measure is."""
APART: dict[Question, Part] = {"cheapest": "apart in cost", "best": "every pair", "fastest": "apart in time"}
"""What tells the ties of a choice."""
PLAIN: tuple[Part, ...] = (*COVERAGE, "apart in cost", "apart in time")
"""Those that are the same whatever the measure is, and without weights."""
ALL: tuple[tuple[Part, str], ...] = (
    *((part, USUAL) for part in (*JUDGED, *PLAIN)),
    *((part, by) for by in DECIDING if by != USUAL for part in JUDGED),
)
"""Every part by every measure, the most asked for first."""

AT_ONCE = 200_000
"""Predictions that are compared where somebody asks, in a second or two; more of them a worker compares."""

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
        self.merges = merges
        self._fetch = lines or self._read

    @property
    def is_large(self) -> bool:
        """Whether nobody should wait at a page while it is made."""
        return sum(job.items_total for job in self.jobs) > AT_ONCE

    def part(self, part: Part, by: str = USUAL) -> pl.DataFrame:
        """`table`: worker.evaluation.compare.table with frontier_odds; `every pair`: compare.every_pair; `by category`
        and `by band`: of worker.evaluation.slices, judged by a measure of DECIDING. `coverage …`: of
        worker.evaluation.coverage. `apart in …`: worker.evaluation.choice.gaps. As it was kept, else made now."""
        made = self.find(part, by)
        return self._make(part, by) if made is None else made

    def find(self, part: Part, by: str = USUAL) -> pl.DataFrame | None:
        """`part`, where it was made before."""
        with begin() as session:
            return comparisons.get(session, self.key(part, by))

    @property
    def lines(self) -> pl.DataFrame:
        """The predictions that all parts are made from: db.predictions.of_jobs for rows whose price is known."""
        return self._lines

    def gaps(self, by: str) -> Callable[[Question], pl.DataFrame]:
        """What worker.evaluation.choice.choices asks for."""
        return lambda question: self.part(APART[question], by)

    def missing(self, wanted: Collection[tuple[Part, str]] = ALL) -> list[tuple[Part, str]]:
        """Those that were not made yet."""
        keys = {self.key(*each): each for each in wanted}
        with begin() as session:
            made = comparisons.known(session, list(keys))
        return [each for key, each in keys.items() if key not in made]

    def key(self, part: Part, by: str = USUAL) -> str:
        """What a part is kept under: it says all that the part rests on."""
        is_plain = part in PLAIN
        columns = [*compare.COLUMNS, *compare.PAIRS, *coverage.COLUMNS]  # a measure more, and all is made anew
        weighted_by = "" if is_plain else self.weighted_by
        how = [settings().confidence, _versions(self.jobs), _pairs(self.repeats), weighted_by]
        about = [FORM, columns, part, USUAL if is_plain else by, *how]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()

    def _make(self, part: Part, by: str) -> pl.DataFrame:
        made = self._made(part, by)
        if self.jobs and all(job.state is JobState.DONE for job in self.jobs):
            with begin() as session:
                comparisons.put(session, self.jobs[0].dataset_id, self.key(part, by), made)
        return made

    def _made(self, part: Part, by: str) -> pl.DataFrame:
        how: dict[str, Any] = {"level": settings().confidence, "repeats": self.repeats}
        if part == "table":
            odds = frontier_odds.odds(self._lines, by=by, repeats=self.repeats)
            return self._compared.table(by).join(odds, on="job_id", how="left", maintain_order="left")
        if part == "every pair":
            return self._compared.every_pair(by)
        if part in COVERAGE:
            return _COVERAGE[part](self._lines, level=settings().confidence)
        if part in _SLICES:
            return _SLICES[part](self._lines, by=by, **how)
        question = next(question for question, each in APART.items() if each == part)
        return choice.gaps(self._lines, question, by=by, **how)

    @cached_property
    def _lines(self) -> pl.DataFrame:
        return self._fetch()

    @cached_property
    def _compared(self) -> Compared:
        return Compared(self._lines, level=settings().confidence, repeats=self.repeats)

    def _read(self) -> pl.DataFrame:
        with begin() as session:
            return known_prices.of_jobs(session, [job.id for job in self.jobs], weighted=bool(self.weighted_by)).lines


_SLICES: dict[Part, Callable[..., pl.DataFrame]] = {
    "by category": slices.by_category,
    "by band": slices.by_band,
}
_COVERAGE: dict[Part, Callable[..., pl.DataFrame]] = {
    "coverage": coverage.overall,
    "coverage by category": coverage.by_category,
    "coverage by band": coverage.by_band,
}


def _versions(chosen: Sequence[Job]) -> list[tuple[int, str, str]]:
    """What changes with the predictions of each job."""
    return [(job.id, job.state, str(job.finished_at)) for job in chosen]


def _pairs(repeats: Mapping[int, int]) -> list[tuple[int, int]]:
    return sorted(repeats.items())
