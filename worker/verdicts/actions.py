"""Every verb about checks of verdicts, for pages and the command line alike."""

from collections.abc import Sequence

from db import adapters, jobs, results
from db.engine import begin
from db.errors import NotReady
from db.job_results import VerdictCheckResult
from db.types import Job, JobKind, JobState, Queue, Step
from worker import app
from worker.evaluation.verdict_check import PLANTED
from worker.pricing import comparison, known_prices, repeats
from worker.specs.verdict_check import VerdictCheckSpec

ROUNDS = 400


def start(dataset_id: int, job_ids: Sequence[int], measure: str, rounds: int = ROUNDS, *, weighted: bool = True) -> int:
    """Simulate comparisons of these finished jobs; the check's job id. The same question is asked once.

    Of jobs that ran one technique more than once the first is taken. weighted: errors are, where the table has a column
    of weights. Raises NotReady for fewer than two techniques.
    """
    with begin() as session:
        chosen = [jobs.get(session, job_id) for job_id in job_ids]
        again = repeats.heads(chosen, adapters.all(session))
        first = tuple(sorted(job.id for job in chosen if job.id not in again))
        if len(first) < 2:
            raise NotReady("A verdict needs at least two techniques; price the rows with another one first.")
        column = known_prices.weighted_by(session, first) if weighted else ""
        spec = VerdictCheckSpec(
            jobs=first, measure=measure, level=comparison.level(), rounds=rounds, weighted_by=column
        )
        for job in of_dataset(dataset_id):
            if job.spec_hash == spec.hash and job.state not in (JobState.CANCELLED, JobState.FAILED):
                return jobs.taken_again(session, job)
        return app.start_job(
            session,
            kind=JobKind.VERDICT_CHECK,
            dataset_id=dataset_id,
            queue=Queue.CPU,
            chunks=[(Step.SIMULATE, [])],
            spec=spec.model_dump(mode="json"),
            spec_hash=spec.hash,
            items_total=rounds * (1 + len(PLANTED)),
        )


def of_dataset(dataset_id: int) -> list[Job]:
    """The checks on a dataset, newest first."""
    with begin() as session:
        return sorted(jobs.all(session, dataset_id, JobKind.VERDICT_CHECK), key=lambda job: -job.id)


def report(job_id: int) -> VerdictCheckResult | None:
    """What came of a check; None while it is at work."""
    with begin() as session:
        found = results.get(session, job_id)
    return VerdictCheckResult.parse(found) if found else None


def sentences(found: VerdictCheckResult, level: float) -> list[str]:
    """What a check says, for a reader."""
    lines = []
    for each in found.simulated:
        share = f"{each.share:.1%} (± {each.error:.1%})"
        if not each.worse:
            promise = 1 - level
            kept = "as promised" if each.share <= promise + 2 * each.error else "more often than promised"
            lines.append(
                f"Of {each.rounds:,} comparisons of {found.techniques} truly equal techniques on your "
                f"{found.rows:,} rows, {share} named a loser: {kept}, which is at most {promise:.1%}."
            )
        else:
            lines.append(f"A technique that is {each.worse:.0%} worse than all others was found in {share}.")
    return lines
