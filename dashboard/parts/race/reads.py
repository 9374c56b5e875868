"""Reads of the Race page: its races, and their standing as frames; small, so nothing is cached."""

import polars as pl

from dashboard.shared import reads
from db.job_results import RaceResult
from db.types import Job, JobKind
from worker.race import actions

_AHEAD = (0.0, 0.0, 0.0)  # of the one that others are compared with
_GAPS = {"technique": pl.String, "rows": pl.Int64, "gap": pl.Float64, "low": pl.Float64, "high": pl.Float64}


def races(dataset_id: int) -> list[Job]:
    """Newest first."""
    return reads.jobs_of(dataset_id, JobKind.RACE)


def standing(job_id: int) -> tuple[Job, RaceResult]:
    """A race and its result so far."""
    return actions.standing(job_id)


def names(result: RaceResult) -> dict[int, str]:
    """Job id -> what to call each technique in the race."""
    return reads.names(list(actions.racing([racer.job for racer in result.racers]).values()))


def gaps(result: RaceResult, names: dict[int, str]) -> pl.DataFrame:
    """technique, rows, gap, low, high: how much worse than the one ahead after each block, as long as a technique was
    in; 0 of the one ahead."""
    lines = [
        (names[racer.job], each.rows, *(_AHEAD if racer.job == each.leader or gap is None else gap))
        for each in result.rounds
        for racer, gap in zip(result.racers, each.gaps, strict=True)
        if (gap is not None or racer.job == each.leader) and (racer.rows is None or each.rows <= racer.rows)
    ]
    return pl.DataFrame(lines, schema=_GAPS, orient="row")
