"""Every verb about suspect prices, for pages and the command line alike: check, decide, make a version, compare."""

import polars as pl

from db import access, datasets, jobs, price_decisions, results
from db.engine import begin
from db.errors import NotReady, UserError
from db.job_results import PriceCheckResult
from db.price_decisions import DECISIONS, FIX
from db.types import JobKind, JobState, MadeBy, Queue, Split, Step, Verb
from worker import amounts, app, specs
from worker.datasets import actions, division
from worker.datasets.profile import profile_of
from worker.evaluation import compare
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import actions as pricing_actions
from worker.pricing import comparison, known_prices

FEWEST = 50  # prices: with fewer there is nothing to guess from
TECHNIQUE = "ridge"
"""What is run on both versions to see what curation gained, unless another one is named: it takes seconds."""


def check(dataset_id: int) -> int:
    """Look for wrong prices on the train and validation sides; the job's id. One that is at work already is taken.

    Raises NotReady with too few prices.
    """
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        prices = dataset.splits.get(Split.TRAIN, 0) + dataset.splits.get(Split.VALIDATION, 0)
        if prices < FEWEST:
            raise NotReady(f"{dataset.name} has {prices} prices to learn from; a check needs at least {FEWEST}.")
        newest = jobs.latest(session, dataset_id, JobKind.PRICE_CHECK)
        if newest and not newest.state.is_final:
            return newest.id
        return app.start_job(
            session,
            kind=JobKind.PRICE_CHECK,
            dataset_id=dataset_id,
            queue=Queue.CPU,
            chunks=[(Step.PRICE_CHECK, [])],
            items_total=prices,
        )


def found(job_id: int) -> PriceCheckResult | None:
    """What a check found; None while it is at work."""
    with begin() as session:
        stored = results.get(session, job_id)
    return PriceCheckResult.parse(stored) if stored else None


def decide(dataset_id: int, row: int, decision: str, price: float | None = None) -> None:
    """Accept, fix or drop the price of a row; "" takes the decision back. price: $ of a fix.

    Raises UserError for a row of the test side, which measures and is not curated, and for a fix without a price.
    """
    if decision and decision not in DECISIONS:
        raise UserError(f"{decision!r} is no decision; choose one of {', '.join(DECISIONS)}.")
    if decision == FIX and not (price and price > 0):
        raise UserError("A fix needs a price above 0.")
    with begin() as session:
        decided = {"decision": decision or "taken back", "price": price}
        access.act(session, Verb.DECIDE_PRICE, datasets.get(session, dataset_id), usd=None, row=row, **decided)
        if not decision:
            price_decisions.take_back(session, dataset_id, row)
            return
        sides = [datasets.items(session, dataset_id, side) for side in (Split.TRAIN, Split.VALIDATION)]
        if not any((side["row"] == row).any() for side in sides):
            raise UserError(
                f"Row {row} is not on the train or validation side, so its price is not to be decided here."
            )
        price_decisions.put(session, dataset_id, row, decision, price if decision == FIX else None)


def decisions(dataset_id: int) -> pl.DataFrame:
    """db.price_decisions.of a dataset."""
    with begin() as session:
        return price_decisions.of(session, dataset_id)


def make_version(dataset_id: int) -> int:
    """A new dataset with the decisions in it, the old one untouched; its id. Raises UserError where nothing changes."""
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        decided = price_decisions.of(session, dataset_id)
        changing = len(decided.filter(pl.col("decision") != "accept"))
        if not changing:
            raise UserError("No price was fixed or dropped, so a new version would be the same.")
        made = price_decisions.apply(session, dataset_id, f"{dataset.name} (curated, {changing} prices)")
        access.act(session, Verb.MAKE_VERSION, datasets.get(session, made), made_from=dataset_id, prices=changing)
        datasets.change(session, made, profile=profile_of(session, made) | division.kept(dataset.profile))
        return made


def run_both(dataset_id: int, technique: str = TECHNIQUE) -> list[int]:
    """Price the test rows of a version and of the dataset it was made from with the same technique; both job ids, the
    original's first. What was priced already is taken. Raises UserError for a dataset that is no version."""
    return [pricing_actions.start(each, [_spec(technique)], Split.TEST, None)[0] for each in _both(dataset_id)]


def ran(dataset_id: int, technique: str = TECHNIQUE) -> list[int]:
    """The job ids of `run_both`, where it was called before; [] else. Raises UserError as it does."""
    with begin() as session:
        key = _spec(technique).fit_key
        same = [jobs.same(session, each, fit_key=key, split=Split.TEST, limit=None) for each in _both(dataset_id)]
    return [job.id for job in same if job] if all(same) else []


def _both(dataset_id: int) -> tuple[int, int]:
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
    if dataset.made_from is None or dataset.made_by is not MadeBy.DECISIONS:
        raise UserError("This dataset is no version with decided prices, or the one that it was made from is gone.")
    return dataset.made_from, dataset_id


def _spec(technique: str) -> specs.BaseSpec:
    return specs.parse({"technique": technique})


def gain(job_ids: list[int], by: str = USUAL, *, weighted: bool = True) -> str:
    """What curation gained, in a sentence no stronger than its interval; "" while a job is at work.

    job_ids: as `run_both` gives them, of the original and of the version. weighted: by the column of weights, where
    there is one; a version has that of its original.
    """
    with begin() as session:
        if any(jobs.get(session, job_id).state is not JobState.DONE for job_id in job_ids):
            return ""
        frame, column = known_prices.of_jobs(session, job_ids, weighted=weighted)
    return gained(frame, job_ids[0], job_ids[1], by, column)


def gained(frame: pl.DataFrame, before: int, after: int, by: str = USUAL, column: str = "") -> str:
    """`gain` of predictions (worker.pricing.known_prices) of the jobs before and after curation; column: what they are
    weighted by, "" = nothing."""
    measure, table = DECIDING[by], compare.table(frame, by=by, level=comparison.level())
    lines = {line["job_id"]: line for line in table.iter_rows(named=True)}
    if len(lines) < 2 or not lines[before]["n"]:
        return "Nothing can be said: both have no test row in common."
    figures = f"{measure.written(lines[before][by])} before, {measure.written(lines[after][by])} after"
    on = f"{measure.named(column)}: {figures}, on the same {amounts.count(lines[before]['n'], 'test row')}"
    behind = next((line for line in lines.values() if line["verdict"] == "worse"), None)
    if behind is None:
        return f"Curation is not shown to change the {on}."
    ends = f"{measure.written(behind['diff_low'])} to {measure.written(behind['diff_high'])}"
    verb = "lowered" if behind["job_id"] == before else "raised"
    if not measure.lower_is_better:
        verb = "raised" if behind["job_id"] == before else "lowered"
    return f"Curation {verb} the {on} (difference {ends}, {amounts.level(compare.level_of(table))} interval)."
