"""The jobs that make comparisons of many predictions, so that nobody waits for them at a page: when one is started, and
what for."""

from collections.abc import Collection, Sequence

from db import comparisons, datasets, jobs
from db.engine import Session, begin
from db.errors import NotReady
from db.types import Job, JobKind, JobState, Priority, Queue, Step
from worker.app import start_job
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import comparison, kept
from worker.pricing.kept import ALL, PLAIN, Comparison, Part

_SECONDS = 1e-5
"""About what it takes to compare a prediction by a measure: what the order of work goes by (db/turns.py)."""


class BeingMade(NotReady):
    """A comparison that was asked for at a page, where it would take too long: a worker makes it, or failed to."""

    def __init__(self, job: Job, key: str) -> None:
        """key: what the part that is waited for will be kept under."""
        super().__init__(f"A worker compares these predictions (job {job.id}); come back in a minute.")
        self.job = job
        self.key = key


def demand(made: Comparison, *wanted: tuple[Part, str]) -> None:
    """Nothing where the parts were made before, or are made in a second; else sees to it that a worker makes them, and
    raises BeingMade."""
    if made.is_large:
        for part, by in made.missing(wanted):
            raise BeingMade(_asked(made, USUAL if part in PLAIN else by), made.key(part, by))


def _asked(made: Comparison, by: str) -> Job:
    """The job that makes all parts by a measure; the same one for all who ask. One that failed or was cancelled is not
    started anew: whoever looks at it sees why, and can retry it."""
    spec_hash, dataset_id = made.key("table", by), made.jobs[0].dataset_id
    with begin() as session:
        comparisons.lock(session, dataset_id)  # two who ask at once start one job
        for job in jobs.all(session, dataset_id, JobKind.COMPARE):
            if job.spec_hash == spec_hash and job.state is not JobState.DONE:
                return job
        return jobs.get(session, _start(session, made, [[by]], spec_hash))


def start_due() -> list[int]:
    """Start what pages show at first, by every measure, for the datasets on which pricing has ended since that was
    started last; the jobs' ids.

    Asked again and again, and not decided by the job that ends last: two that end at once don't see each other, and one
    that fails or is cancelled does nothing more.
    """
    with begin() as session:
        due = comparisons.due(session, kept.AT_ONCE)
    started = []
    for dataset_id in due:
        with begin() as session:
            # Two who ask at once start one job: who comes second sees that of the first.
            if comparisons.lock(session, dataset_id) and dataset_id in comparisons.due(session, kept.AT_ONCE):
                chosen = comparison.taken(
                    datasets.get(session, dataset_id), jobs.all(session, dataset_id, JobKind.PRICE)
                )
                # What is shown first in a chunk of its own, so that what somebody asks for then need not wait long. The
                # others share what they rest on.
                others = [by for by in DECIDING if by != USUAL]
                started.append(_start(session, Comparison(chosen), [[USUAL], others], comparisons.FIRST))
    return started


def _start(session: Session, made: Comparison, chunks: Sequence[Sequence[str]], spec_hash: str) -> int:
    """A job with a chunk for each group of measures."""
    return start_job(
        session,
        kind=JobKind.COMPARE,
        dataset_id=made.jobs[0].dataset_id,
        queue=Queue.CPU,
        chunks=[(Step.COMPARE, [list(DECIDING).index(by) for by in measures]) for measures in chunks],
        spec={"jobs": [job.id for job in made.jobs], "merges": made.merges, "weighted": bool(made.weighted_by)},
        spec_hash=spec_hash,
        items_total=sum(len(parts(measures)) for measures in chunks),
        priority=Priority.BASELINE,  # somebody may wait at a page
        seconds={Step.COMPARE: _SECONDS * sum(job.items_total for job in made.jobs)},
    )


def parts(measures: Collection[str]) -> list[tuple[Part, str]]:
    """What is made by measures, in this order."""
    return [each for each in ALL if each[1] in measures]
