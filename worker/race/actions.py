"""Every verb about races, for pages and the command line alike: estimate, start, see the standing."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from db import access, datasets, jobs, results
from db.engine import Session, begin
from db.errors import NotReady, WrongState
from db.job_results import Racer, RaceResult
from db.types import Dataset, Job, JobKind, JobState, Queue, Split, Step
from worker import app
from worker.datasets import weights
from worker.datasets.actions import ready
from worker.pricing import actions as pricing_actions
from worker.pricing import comparison
from worker.pricing import planning as pricing_planning
from worker.race import planning
from worker.specs import BaseSpec
from worker.specs import race as race_specs
from worker.specs.race import Margin

FEWEST_GROUPS = 2 * planning.FIRST_ROWS
"""Independent test rows: with fewer there is nothing to save."""


def start(
    dataset_id: int,
    specs: Sequence[BaseSpec],
    margin: Margin,
    *,
    measure: str = "mae",
    limit: int | None = None,
    budget_usd: Decimal | None = None,
    weighted: bool = True,
) -> int:
    """Let techniques race on the test rows; the job's id. The same race on the same rows is the same job. weighted: by
    the dataset's column of weights, where there is one.

    Each technique has an ordinary pricing job; one that is there already takes part with the prices that it has.
    Raises NotReady, UserError; WrongState when one of the jobs takes part in another race that goes on.
    """
    with begin() as session:
        dataset = ready(session, dataset_id)
        rows = datasets.target_rows(session, dataset_id, Split.TEST, limit)
        pinned = [pricing_planning.pinned(session, dataset, each) for each in specs]
        if any(each.uses_endpoint for each in pinned):
            budget_usd = access.allowed_cap(budget_usd)
        column = weights.column(dataset) if weighted else ""
        spec = race_specs.of(pinned, margin, measure, limit, column, comparison.level())
        planning.measure_of(spec)
        for each in pinned:
            pricing_planning.check(session, dataset, each, rows)
        groups = datasets.groups_of(session, dataset_id, rows)
        if len(set(groups)) < FEWEST_GROUPS:
            raise NotReady(
                f"A race needs at least {FEWEST_GROUPS} different test rows, and here are {len(set(groups))}; price "
                "all of them with each technique instead."
            )
        fit_key = " ".join(sorted(each.fit_key for each in pinned))  # the same race in whatever order
        for job in jobs.all(session, dataset_id, JobKind.RACE):
            if (job.spec_hash, job.fit_key) == (spec.hash, fit_key) and job.state not in (
                JobState.CANCELLED,
                JobState.FAILED,
            ):
                return jobs.taken_again(session, job)
        rule = planning.rule(session, dataset, spec, groups, planning.weights_of(session, dataset, spec, rows))
        blocks = planning.blocks(rows, groups)
        race_id = app.start_job(
            session,
            kind=JobKind.RACE,
            dataset_id=dataset_id,
            queue=Queue.CONTROL,
            chunks=[(Step.RACE, blocks[0])],
            spec={"race": spec.model_dump(mode="json")},
            spec_hash=spec.hash,
            fit_key=fit_key,
            split=Split.TEST,
            limit=limit,
            items_total=len(rows),
            cap_usd=budget_usd,
        )
        racers = _racers(session, dataset, pinned, blocks, race_id, limit, budget_usd)
        results.put(session, race_id, RaceResult(racers=tuple(racers), bound=rule.bound).as_json())
        return race_id


def _racers(
    session: Session,
    dataset: Dataset,
    specs: Sequence[BaseSpec],
    blocks: Sequence[Sequence[int]],
    race_id: int,
    limit: int | None,
    budget_usd: Decimal | None,
) -> list[Racer]:
    """One for each technique, in their order, with their jobs started where there are none."""
    expected = [_expected(session, dataset, spec, limit) for spec in specs]
    whole = {place: each.whole for place, each in enumerate(expected)}
    caps = planning.shares(budget_usd, whole) if budget_usd is not None else {}
    racers = []
    for place, spec in enumerate(specs):
        same = jobs.same(session, dataset.id, fit_key=spec.fit_key, split=Split.TEST, limit=limit)
        if same and same.race_id is not None and not same.state.is_final:
            raise WrongState(f"Job {same.id} takes part in race {same.race_id}, which goes on; wait for it to end.")
        job_id = (
            jobs.taken_again(session, same)
            if same
            else pricing_actions.start_one(
                session, dataset, spec, blocks, Split.TEST, limit, caps.get(place), race_id=race_id
            )
        )
        each = expected[place]
        racers.append(Racer(job=job_id, is_driven=same is None, usd_per_row=each.usd_per_row, fit_usd=each.fit_usd))
    return racers


class _Expected(NamedTuple):
    """Dollars that a technique is expected to take, at the most that is likely; None: unknown."""

    usd_per_row: float | None
    fit_usd: float | None  # once, before the first row
    whole: float | None  # for all rows


def _expected(session: Session, dataset: Dataset, spec: BaseSpec, limit: int | None) -> _Expected:
    planned = pricing_planning.estimate(session, dataset, spec, Split.TEST, limit)
    if planned.total is None or planned.fixed_usd is None:
        return _Expected(None, None, None)
    whole, once = float(planned.total[2]), float(planned.fixed_usd)
    return _Expected((whole - once) / planned.items, once, whole)


def standing(job_id: int) -> tuple[Job, RaceResult]:
    """A race with its result so far. Raises NotFound, WrongState for a job that is none."""
    with begin() as session:
        job = jobs.get(session, job_id)
        if job.kind is not JobKind.RACE:
            raise WrongState(f"Job {job_id} is no race.")
        return job, RaceResult.parse(results.get(session, job_id) or {})


def racing(job_ids: Sequence[int]) -> dict[int, Job]:
    """The pricing jobs of a race by their ids; without those that were deleted."""
    with begin() as session:
        wanted = set(job_ids)
        return {job.id: job for job in jobs.all(session) if job.id in wanted}
