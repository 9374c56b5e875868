"""The step of a race: hand a block of rows to all that are in, wait until they priced it, decide who leaves.

Everything is reckoned anew from the predictions each time, and what follows is stored in one transaction: a worker that
is killed in between leaves nothing behind.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import polars as pl

from db import chunks, datasets, job_progress, jobs, predictions, races, results
from db.engine import Session, begin
from db.errors import UserError
from db.job_progress import JobProgress
from db.job_results import Racer, RaceResult
from db.types import Job, JobState, Split, Step
from worker import amounts, specs
from worker.adapters import pricing
from worker.app import send_ready
from worker.progress import Defer, Pause
from worker.race import planning, scoring, sentences
from worker.specs.race import RaceSpec
from worker.work import Commit, Work

LOOK_SECONDS = 5.0
"""Between two looks at jobs that nobody reports on, such as one that is paused."""

MORE = Decimal("1.05")
"""A job that its cap paused goes on when its share of the budget has grown this much: less would pause it again."""


def race(work: Work) -> Commit:
    """Decide after the chunk's block of rows; until it is priced the chunk is given back."""
    spec = RaceSpec.model_validate(work.job.spec["race"])
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
        rows = datasets.target_rows(session, dataset.id, Split.TEST, spec.limit)
        groups = datasets.groups_of(session, dataset.id, rows)
        worth = planning.weights_of(session, dataset, spec, rows)
        rule = planning.rule(session, dataset, spec, groups, worth)
        result = RaceResult.parse(results.get(session, work.job.id) or {})
        job_ids = [racer.job for racer in result.racers]
        racing = {job_id: jobs.get(session, job_id) for job_id in job_ids}
        books = {each.job_id: each for each in job_progress.of(session, job_ids)}
        frame = predictions.of_jobs(session, job_ids)
    blocks = planning.blocks(rows, groups)
    block = blocks[len(result.rounds)]
    so_far = [row for each in blocks[: len(result.rounds) + 1] for row in each]
    priced = _priced(frame)
    result = _without_ended(result, racing)
    if not result.left:
        raise UserError("None of the techniques could go on; their jobs say why.")
    were_in = {racer.job for racer in result.left}
    if len(result.left) == 1:
        by_verdict = any(racer.rival is not None for racer in result.racers)
        result = result.model_copy(update={"ended": "clear" if by_verdict else "alone"})
    else:
        missing = {
            racer.job: sum(row not in priced.get(racer.job, ()) for row in block)
            for racer in result.left
            if racing[racer.job].state is not JobState.DONE
        }
        if any(missing.values()):
            with work.writing() as session:
                left = [racer for racer in result.left if missing.get(racer.job)]
                _hand_out(session, work.job, left, result.racers, block, missing, racing, books, priced)
            raise Defer(LOOK_SECONDS)
        is_last = len(result.rounds) + 1 == len(blocks)
        weight_of = dict(zip(rows, worth or (), strict=False))
        weights = np.array([weight_of[row] for row in so_far]) if worth else None
        result = scoring.after_block(result, frame, so_far, is_last, planning.measure_of(spec), rule, weights)
        spent = {job_id: None if book.has_unknown_cost else float(book.usd) for job_id, book in books.items()}
        fixed = {job_id: float(job.fixed_usd) for job_id, job in racing.items()}
        result = scoring.money(result, spent, fixed, len(rows))

    def commit(session: Session) -> chunks.Tally:
        results.put(session, work.job.id, result.as_json())
        for racer in result.racers:
            is_new = racer.rival is not None and racer.job in were_in  # one that somebody retried goes on
            if racer.is_driven and (is_new or result.ended in ("clear", "alone")):
                races.stop(session, racer.job, sentences.stopped(racer, result, len(rows), work.job.id))
        if not result.ended:
            chunks.add(session, work.job.id, Step.RACE, [blocks[len(result.rounds)]])
        return chunks.Tally(items=len(block) if result.rounds and result.rounds[-1].rows == len(so_far) else 0)

    return commit


def _priced(frame: pl.DataFrame) -> dict[int, set[int]]:
    return {job: set(part["row"]) for (job,), part in frame.group_by("job_id")}


def _without_ended(result: RaceResult, racing: Mapping[int, Job]) -> RaceResult:
    """The result in which those are out whose job can't go on, though the race did not stop them."""
    rows = result.rounds[-1].rows if result.rounds else 0
    gone = (JobState.FAILED, JobState.CANCELLED, JobState.STOPPED)
    racers = tuple(
        racer.model_copy(update={"rows": rows, "why": sentences.ended(racing[racer.job])})
        if racer.rows is None and racing[racer.job].state in gone
        else racer
        for racer in result.racers
    )
    return result.model_copy(update={"racers": racers})


def _hand_out(
    session: Session,
    race: Job,
    left: Sequence[Racer],
    racers: Sequence[Racer],
    block: Sequence[int],
    missing: Mapping[int, int],
    racing: Mapping[int, Job],
    books: Mapping[int, JobProgress],
    priced: Mapping[int, set[int]],
) -> None:
    """Release the block to those that have not priced it, with what they may pay for it. Raises Pause when the budget
    does not reach."""
    driven = [racer for racer in left if racer.is_driven]
    caps: dict[int, Decimal] = {}
    if race.cap_usd is not None:
        # What an adapter's training took stands in its jobs' books, but the race does not pay it.
        driving = [racing[racer.job] for racer in racers if racer.is_driven]
        trained = {job.id: pricing.training_cost(session, specs.parse(job.spec))[1] for job in driving}
        spent = sum((books[job.id].usd - trained[job.id] for job in driving), start=Decimal(0))
        expected = {racer.job: _expected(racer, missing, racing, books, priced, trained[racer.job]) for racer in driven}
        needed = Decimal(repr(sum(usd or 0.0 for usd in expected.values())))
        if spent + needed > race.cap_usd:
            raise Pause(
                f"The budget of {amounts.usd(race.cap_usd)} is reached: {amounts.usd(spent)} are spent, and the next "
                f"{len(block)} rows may take {amounts.usd(needed)} with all that are in; resume with a higher cap to "
                "go on."
            )
        shares = planning.shares(race.cap_usd - spent, expected)
        caps = {job: racing[job].spent_usd + share for job, share in shares.items()}
    for racer in driven:
        job = racing[racer.job]
        if job.cap_usd is not None and racer.job in caps:
            if job.state is JobState.PAUSED and job.error:
                if caps[racer.job] < MORE * job.cap_usd:
                    raise Pause(f"Job {job.id} can't go on within the budget of this race: {job.error}")
                jobs.set_state(session, job.id, JobState.RUNNING, among=[JobState.PAUSED])
            jobs.set_cap(session, job.id, caps[racer.job])
        races.release(session, job.id, block)
        send_ready(session, job.id, job.queue)


def _expected(
    racer: Racer,
    missing: Mapping[int, int],
    racing: Mapping[int, Job],
    books: Mapping[int, JobProgress],
    priced: Mapping[int, set[int]],
    trained: Decimal,
) -> float | None:
    """Dollars that the rest of the block will take: by what its rows took so far, else by the estimate, with what is
    left to pay for its fit; None: nobody knows. trained: what its adapter took, which is booked from the start."""
    done, job = len(priced.get(racer.job, ())), racing[racer.job]
    if done and not books[racer.job].has_unknown_cost:
        return float(books[racer.job].usd - job.fixed_usd) / done * missing[racer.job]
    if racer.usd_per_row is None or racer.fit_usd is None:
        return None
    is_fitted = job.fixed_usd > trained
    to_fit = 0.0 if is_fitted else max(0.0, racer.fit_usd - float(job.spent_usd))
    return to_fit + racer.usd_per_row * missing[racer.job]
