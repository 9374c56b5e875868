"""The step of a verdict check: comparisons simulated on the jobs' own predictions."""

from collections.abc import Iterator

import numpy as np

from db import chunks, results
from db.engine import Session, begin
from db.errors import NotReady
from db.job_results import Simulated, VerdictCheckResult
from worker.evaluation import resampling, verdict_check
from worker.evaluation.verdict_check import PLANTED, Share
from worker.pricing import known_prices
from worker.progress import Progress
from worker.specs.verdict_check import MOST_ROWS, VerdictCheckSpec
from worker.work import Commit, Work


def simulate(work: Work) -> Commit:
    """Count false losers among equals, and losers that were planted."""
    job, spec = work.job, VerdictCheckSpec.model_validate(work.job.spec)
    with begin() as session:
        frame, _ = known_prices.of_jobs(session, spec.jobs, weighted=bool(spec.weighted_by))
    sample = verdict_check.sample(frame, spec.measure, MOST_ROWS, spec.seed)
    groups = len(np.unique(sample.groups))
    if groups < resampling.FEWEST_GROUPS:
        raise NotReady(
            f"The jobs share {groups} independent test rows with a price; a verdict needs at least "
            f"{resampling.FEWEST_GROUPS}."
        )
    how = (spec.measure, spec.level, spec.rounds, spec.seed)
    shares = {0.0: _counted(verdict_check.false_losers(sample, *how), spec.rounds, work.progress)}
    for worse in PLANTED:
        shares[worse] = _counted(verdict_check.found_losers(sample, worse, *how), spec.rounds, work.progress)
    result = VerdictCheckResult(
        techniques=sample.errors.shape[1],
        rows=len(sample.errors),
        groups=groups,
        simulated=tuple(
            Simulated(worse=worse, share=share.value, error=share.error, rounds=share.rounds)
            for worse, share in shares.items()
        ),
    )

    def commit(session: Session) -> chunks.Tally:
        results.put(session, job.id, result.as_json())
        return chunks.Tally(items=spec.rounds * len(shares))

    return commit


def _counted(happened: Iterator[bool], rounds: int, progress: Progress) -> Share:
    count = 0
    for each in happened:
        count += each
        progress.advance()
    return Share(count, rounds)
