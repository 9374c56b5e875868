"""Every verb about scenarios, for pages and the command line alike: ask what would be, keep, load, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from db import access, datasets, jobs, predictions, scenarios
from db.engine import begin
from db.errors import NotReady, UserError
from db.types import Job, SavedScenario, Verb
from worker import amounts, specs
from worker.evaluation import resampling
from worker.evaluation.break_even import Totals, Way
from worker.pricing import comparison
from worker.specs import what_if
from worker.specs.what_if import Scenario
from worker.what_if import costs
from worker.what_if.costs import Costs

LONGEST_NAME = 80


@dataclass(frozen=True)
class Answer:
    """What techniques would cost in a scenario."""

    scenario: Scenario
    items: int  # that the cost per item was measured on
    costs: Sequence[Costs]  # of every job asked about
    totals: Totals  # of those whose cost is known


def ask(job_ids: Sequence[int], scenario: Scenario) -> Answer:
    """The cost of the techniques of finished jobs of one dataset, measured on the items that all of them priced.

    Raises NotReady where they share none, NotFound for a job that is not there.
    """
    if not job_ids:
        raise NotReady("No technique has priced this dataset yet; price a few rows first.")
    with begin() as session:
        chosen = [jobs.get(session, job_id) for job_id in job_ids]
        dataset = datasets.get(session, chosen[0].dataset_id)
        frame = shared(predictions.costs(session, job_ids), len(chosen))
        if frame.is_empty():
            raise NotReady("These jobs have no item in common; choose others, or price the same rows with all of them.")
        lines = {job.id: frame.filter(pl.col("job_id") == job.id) for job in chosen}
        found = [costs.of_job(session, dataset, job, lines[job.id], scenario) for job in chosen]
    first = lines[chosen[0].id]
    at_once = {job.id for job in chosen if _is_timed_at_once(job, lines[job.id])}
    known = [
        Way(each.job_id, float(each.once_usd), float(each.monthly), each.per_item.to_numpy(), each.job_id in at_once)
        for each in found
        if each.is_known and each.once_usd is not None and each.per_item is not None
    ]
    totals = Totals(known, resampling.number(first["group_id"]), scenario.months, level=comparison.level())
    return Answer(scenario, len(first), found, totals)


def _is_timed_at_once(job: Job, lines: pl.DataFrame) -> bool:
    """Whether the seconds of items are shares of a few batches', so that resampling items says nothing about them."""
    return not specs.parse(job.spec).uses_endpoint and lines["seconds"].n_unique() < resampling.FEWEST_GROUPS


def shared(frame: pl.DataFrame, n_jobs: int) -> pl.DataFrame:
    """The lines whose item every job priced, by job and item."""
    return frame.filter(pl.len().over("row") == n_jobs).sort("job_id", "row")


def models(job_ids: Sequence[int]) -> list[str]:
    """The models behind endpoints that the jobs ask, whose tokens have a price that can be supposed."""
    with begin() as session:
        chosen = [jobs.get(session, job_id) for job_id in job_ids]
    asked = [specs.parse(job.spec) for job in chosen]
    alone = [each for spec in asked for each in (specs.members_of(spec) or (spec,)) if each.uses_endpoint]
    return list(dict.fromkeys(str(getattr(spec, "model", "")) for spec in alone))


def save(dataset_id: int, name: str, scenario: Scenario) -> SavedScenario:
    """Keep a scenario under a name; one of that name is written over. Raises UserError for a name that is none."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise UserError(f"Give the scenario a name of 1 to {LONGEST_NAME} letters.")
    with begin() as session:
        before = [each for each in scenarios.all(session, dataset_id) if each.name == name]
        access.act(session, Verb.SAVE_SCENARIO, before[0] if before else datasets.get(session, dataset_id), name=name)
        return scenarios.put(session, dataset_id, name, scenario.model_dump(mode="json"))


def kept(dataset_id: int) -> list[SavedScenario]:
    """The scenarios of a dataset, by name."""
    with begin() as session:
        return scenarios.all(session, dataset_id)


def load(dataset_id: int, name: str) -> Scenario:
    """The scenario of that name. Raises NotFound."""
    with begin() as session:
        return what_if.parse(scenarios.named(session, dataset_id, name).settings)


def delete(scenario_id: int) -> None:
    """Forget a scenario. Raises NotFound."""
    with begin() as session:
        access.act(session, Verb.DELETE_SCENARIO, scenarios.get(session, scenario_id))
        scenarios.delete(session, scenario_id)


def report(answer: Answer, labels: Mapping[int, str]) -> dict[str, Any]:
    """The answer as JSON: a line for each job, what crosses where, and what is not known."""
    scenario, totals = answer.scenario, answer.totals
    at = {line["key"]: line for line in totals.at([scenario.items_a_month]).iter_rows(named=True)}
    per_item = {way.key: ends for way, ends in zip(totals.ways, totals.per_item(), strict=True)}
    ways = []
    for each in answer.costs:
        line = at.get(each.job_id, {})
        middle, low, high = per_item.get(each.job_id, (None, None, None))
        ways.append(
            {
                "job": each.job_id,
                "label": labels[each.job_id],
                "once_usd": None if each.once_usd is None else float(each.once_usd),
                "once": {name: None if usd is None else float(usd) for name, usd in each.once.items()},
                "monthly_usd": float(each.monthly),
                **{
                    f"usd_per_1000{end}": None if usd is None else usd * 1000
                    for end, usd in (("", middle), ("_low", low), ("_high", high))
                },
                **{f"total_{name}": line.get(name) for name in ("usd", "usd_low", "usd_high")},
                "unknown": list(each.unknown),
            }
        )
    crossings = [
        {
            "job": crossing.better,
            "over": crossing.other,
            "items_a_month": crossing.items,
            "low": crossing.low,
            "high": None if crossing.high is None or crossing.high == float("inf") else crossing.high,
            "usd": crossing.usd,
            "may_never": crossing.high == float("inf"),
            "sentence": crossing.sentence(labels),
        }
        for crossing in totals.crossings()
    ]
    return {
        "scenario": scenario.model_dump(mode="json"),
        "items_measured": answer.items,
        "level": totals.level,
        "ways": ways,
        "crossings": crossings,
        "notes": notes(answer, labels),
    }


def notes(answer: Answer, labels: Mapping[int, str]) -> list[str]:
    """Sentences on what is supposed, left out or unknown."""
    said = [
        f"{labels[each.job_id]} is left out: {' and '.join(each.unknown)} is unknown."
        for each in answer.costs
        if each.unknown
    ]
    said += [note for each in answer.costs for note in each.notes]
    if answer.scenario.label_usd is None:
        said.append("Labels are not counted: the rows that techniques learn from are taken as priced already.")
    if at_once := [labels[way.key] for way in answer.totals.ways if way.is_timed_at_once]:
        said.append(
            f"{amounts.listed(at_once)} priced many items in one go: the cost of one is a share of that time, without "
            "an interval."
        )
    if answer.totals.has_no_doubt:
        said.append(f"{answer.items} items are too few to say how sure the cost of an item is: no intervals are given.")
    return list(dict.fromkeys(said))
