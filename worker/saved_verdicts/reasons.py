"""The reasons why a saved verdict no longer holds: what it needs is gone, its prices changed, its data drifted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial

import polars as pl

from db import adapters, datasets, jobs, predictions, rates, versions
from db.engine import Session, begin
from db.errors import NotFound, UserError
from db.types import Dataset, DatasetState, Job, Queue, Split
from worker import amounts, specs
from worker.adapters import pricing
from worker.endpoints import tariffs
from worker.evaluation import choice, compare, conformal
from worker.llm.local import packages
from worker.pricing import comparison, known_prices, likeness, planning, repeats
from worker.saved_verdicts import facts as facts_of
from worker.saved_verdicts import needs, sentences
from worker.saved_verdicts.facts import Facts, Line, Prices
from worker.specs.what_if import Scenario, TokenPrices
from worker.what_if import costs

Listing = frozenset[str] | str
"""The models that an endpoint names when it is asked, or a sentence why it named none."""

Teller = Callable[[pl.DataFrame, pl.DataFrame], dict[str, float] | None]
"""worker.evaluation.drift.told_apart."""


@dataclass(slots=True)
class Findings:
    """What was found about a saved verdict, in sentences."""

    reasons: list[str] = field(default_factory=list)  # why it no longer holds
    notes: list[str] = field(default_factory=list)  # what changed without changing it, or could not be looked at


def gone(session: Session, facts: Facts, listings: Mapping[str, Listing], today: date) -> Findings:
    """What the choice needs and is no longer there. listings: by endpoint, what it named just now."""
    found = Findings()
    for ref in facts.models:
        endpoint, model = needs.endpoint_of(session, ref)
        if endpoint is None:
            found.reasons.append(f"The endpoint of {ref} was removed, so the model can't be asked any more.")
            continue
        day, listing = needs.last_day(session, ref), listings.get(endpoint.name, frozenset())
        if day and day <= today:
            found.reasons.append(f"{ref} was shut down on {day}.")
        elif isinstance(listing, str):
            found.notes.append(f"Whether {ref} is still there is not known: {listing}")
        elif ref in facts.listed and model not in listing:
            found.reasons.append(f"The endpoint {endpoint.name} no longer lists {model}.")
    there = {adapter.id for adapter in adapters.all(session)}
    found.reasons += [
        f"The adapter {adapter_id[:12]} that it prices with was deleted."
        for adapter_id in sorted(pricing.adapters_of(facts.chosen.spec) - there)
    ]
    spec = specs.parse(facts.chosen.spec)
    found.reasons += [
        f"The adapter {adapter_id[:12]} that it prices with was retired since: put it into production again on the "
        "Adapters page, or decide anew with the one that took its place."
        for adapter_id in needs.retired(session, spec)
        if adapter_id not in facts.retired
    ]
    for model in needs.local_models(spec):
        if packages.is_available(model):
            continue
        if packages.HUB_ID.fullmatch(model):
            found.notes.append(f"The model {model} is not on this machine any more: it will be fetched from the hub.")
            continue
        found.reasons.append(
            f"The model {model} that it asks is not on this machine: bring it back to where it was, or decide anew "
            "with another one."
        )
    known = {job.id for job in jobs.all(session)}
    if missing := [str(job_id) for job_id in facts.jobs if job_id not in known]:
        found.reasons.append(f"What it rests on is gone: job {amounts.listed(missing)}.")
    return found


def relearned(session: Session, facts: Facts, dataset: Dataset) -> Findings:
    """Whether the knowledge base that the choice searches is another one than was searched."""
    found, before = Findings(), facts.knowledge
    if before is None:
        return found
    now = needs.knowledge(session, facts.chosen.source or dataset.id, specs.parse(facts.chosen.spec))
    todo = "price the test rows with it again, then save the verdict anew"
    if now is None:
        found.reasons.append(f"The knowledge base that it searches is gone: {todo}, which fills it again.")
    elif now.signature != before.signature:
        found.reasons.append(f"The knowledge base that it searches is embedded by another model since: {todo}.")
    elif now != before:
        size = amounts.count(now.items, "item")
        size = f"{size}, {before.items:,} then" if now.items != before.items else f"other texts or prices of {size}"
        found.reasons.append(f"The knowledge base that it searches changed since ({size}): {todo}.")
    return found


def repriced(facts: Facts, dataset: Dataset) -> Findings:
    """Whether tariffs and machine rates of today change the choice; every change is told."""
    found = Findings()
    with begin() as session:
        compared = [jobs.get(session, job_id) for job_id in facts.jobs]
        again = repeats.heads(compared, adapters.all(session))
        line_of = {line.job: line for line in facts.lines}
        today: dict[int, Scenario] = {}
        blind: list[int] = []
        for job in compared:
            line = line_of.get(again.get(job.id, job.id))
            if line is not None and (supposed := _today(session, job, line, found.notes, blind)):
                today[job.id] = supposed
        if not today and not blind:
            return found
        frame, _ = known_prices.of_jobs(session, facts.jobs, weighted=bool(facts.weighted_by))
        paid = predictions.costs(session, list(facts.jobs))
        anew = [
            _anew(session, dataset, job, paid.filter(pl.col("job_id") == job.id), today.get(job.id), job.id in blind)
            for job in compared
        ]
    found.notes = list(dict.fromkeys(found.notes))
    frame = frame.drop("usd", "saved_usd").join(
        pl.concat(anew), on=["job_id", "row"], how="left", maintain_order="left"
    )
    table = compare.table(frame, by=facts.measure, level=facts.level, repeats=again)
    now = dict(table.select("job_id", "usd_per_1000").iter_rows()).get(facts.job)
    before = facts.chosen.usd_per_1000
    if now != before:
        written = ["an unknown amount" if usd is None else amounts.usd(usd) for usd in (now, before)]
        found.notes.append(f"{facts.chosen.label} costs {written[0]} per 1,000 items today, {written[1]} then.")
    if facts.question == "most accurate":
        return found
    with begin() as session:  # runs of one technique stand apart once the adapter of one is gone
        names = comparison.labels(session, compared) | {line.job: line.label for line in facts.lines}
    gaps = partial(choice.gaps, frame, by=facts.measure, level=facts.level, repeats=again)
    answers = choice.choices(table, gaps, facts.limits, by=facts.measure)
    answer = next(each for each in answers if each.question == facts.question)
    if answer.job_id != facts.job:
        said = choice.sentence(answer, table, facts.limits, names, by=facts.measure)
        found.reasons.append(f"With the prices of today the choice is another one. {said}")
    return found


def _today(session: Session, job: Job, line: Line, told: list[str], blind: list[int]) -> Scenario | None:
    """The prices of today that differ from those that a technique's figures rest on; None: none does. A job whose model
    has no known price any more is put among the blind."""
    spec, supposed = specs.parse(line.spec), Scenario()
    if not spec.uses_endpoint:
        hour = rates.usd_per_hour(session, job.queue)
        if hour == line.usd_per_hour:
            return None
        kind = "GPU" if job.queue is Queue.GPU else "CPU"
        told.append(
            f"An hour of a {kind} machine costs {amounts.usd(hour)} today, {amounts.usd(line.usd_per_hour)} then."
        )
        return supposed.model_copy(update={"gpu_hour_usd" if kind == "GPU" else "cpu_hour_usd": hour})
    tokens = {}
    for ref, then in line.tariffs.items():
        endpoint, model = needs.endpoint_of(session, ref)
        now = facts_of.prices(tariffs.find(session, endpoint, model)) if endpoint else None
        if now == then:
            continue
        told.append(f"{ref} costs {_written(now)} today, {_written(then)} then.")
        if now is None:
            blind.append(job.id)
        else:
            tokens[ref] = TokenPrices.model_validate(now)
    return supposed.model_copy(update={"tokens": tokens}) if tokens else None


def _written(known: Prices | None) -> str:
    if known is None:
        return "an unknown amount"
    batch = known["batch_input"], known["batch_output"]
    more = "" if None in batch else f" (in a batch {_dollars(batch[0])} and {_dollars(batch[1])})"
    return f"{_dollars(known['input'])} in and {_dollars(known['output'])} out per million tokens{more}"


def _dollars(price: Decimal | None) -> str:
    return "unknown" if price is None else f"${price.normalize():f}"


def _anew(
    session: Session, dataset: Dataset, job: Job, paid: pl.DataFrame, today: Scenario | None, is_blind: bool
) -> pl.DataFrame:
    """job_id, row, usd and saved_usd of a job's lines at the prices of today; null: unknown."""
    kept = paid.select("job_id", "row", "usd", "saved_usd")
    if today is None and not is_blind:
        return kept
    usd = costs.of_job(session, dataset, job, paid, today).per_item if today and not is_blind else None
    known = pl.lit(None, pl.Float64) if usd is None else usd.cast(pl.Float64)
    return kept.with_columns(usd=known, saved_usd=pl.lit(0.0))


def newer(session: Session, dataset: Dataset) -> tuple[Dataset | None, Dataset | None]:
    """The newest version that was made from a dataset, and the newest table of the same name that was loaded after it;
    None where there is none."""
    every = [each for each in datasets.all(session) if each.state is DatasetState.READY]  # newest first
    parents = {each.id: each.made_from for each in every}

    def comes_from(dataset_id: int | None) -> bool:
        while dataset_id is not None and dataset_id != dataset.id:
            dataset_id = parents.get(dataset_id)
        return dataset_id == dataset.id

    version = next((each for each in every if each.id != dataset.id and comes_from(each.made_from)), None)
    again = next(
        (each for each in every if each.id > dataset.id and each.name == dataset.name and each.made_from is None), None
    )
    return version, again


def drifted(facts: Facts, dataset: Dataset, told_apart: Teller, most: int) -> Findings:
    """Whether the table that the verdict is about has changed since, or its rows have. most: rows that are compared."""
    found = Findings()
    if datasets.fingerprint(dataset) != facts.fingerprint:
        found.reasons.append(f"{dataset.name} was loaded anew since: what was measured was another table.")
    with begin() as session:
        source = _source(session, facts, dataset)
        if source is None:
            found.reasons.append("The dataset that it learned from was deleted: decide anew with another source.")
        elif source.id != dataset.id:
            found.reasons += _source_changed(session, facts, source)
        version, again = newer(session, dataset)
        if version:
            changes = versions.changes(session, dataset.id, version.id)
            said = f"{amounts.count(changes.repriced, 'known price')} changed, "
            said += f"{amounts.count(changes.removed, 'row')} dropped"
            said += f", {amounts.count(changes.added, 'row')} new" if changes.added else ""
            found.reasons.append(f"There is a newer version, dataset {version.id} ({version.name}): {said}.")
        if again is None:
            return found
        known = likeness.calibrated_on(session, source or dataset, specs.parse(facts.chosen.spec))
        rows = datasets.target_rows(session, again.id, None, most)
        # Groups are numbered anew in each table.
        theirs = likeness.texts(session, again.id, rows).with_columns(group_id=-1 - pl.col("group_id"))
    name = f"{again.name} was loaded again as dataset {again.id}"
    answer = told_apart(known, theirs) if len(known) and len(theirs) else None
    if answer is None:
        found.notes.append(
            f"{name}; whether its rows are like those that were measured can't be said: there are too few rows to "
            "price in it, or too few that the choice was calibrated on."
        )
    elif answer["low"] > conformal.UNLIKE:
        found.reasons.append(
            f"{name}, and its rows are unlike those that were measured: by their words alone {answer['share']:.0%} of "
            "pairs are told apart (50% = not at all)."
        )
    else:
        found.notes.append(f"{name}; by their words its rows are like those that were measured.")
    return found


def _source(session: Session, facts: Facts, dataset: Dataset) -> Dataset | None:
    """The dataset that the choice learned from; None: it was deleted."""
    if facts.chosen.source is None:
        return dataset
    try:
        return datasets.get(session, facts.chosen.source)
    except NotFound:
        return None


def _source_changed(session: Session, facts: Facts, source: Dataset) -> list[str]:
    """What became of the other dataset that the choice learned from."""
    if datasets.fingerprint(source) != facts.chosen.source_fingerprint:
        return [f"{source.name}, which it learned from, was loaded anew since: it would learn from another table now."]
    version, _ = newer(session, source)
    if version is None:
        return []
    return [
        f"What it learned from, {source.name}, has a newer version, dataset {version.id} ({version.name}): price the "
        "rows anew with what is learned from that one."
    ]


def deciding_anew(facts: Facts, dataset: Dataset) -> tuple[Decimal | None, float, str]:
    """Dollars (None: unknown), seconds, and a sentence: what running the same techniques again would take, on the
    newest table there is."""
    with begin() as session:
        version, again = newer(session, dataset)
        there = max((each for each in (dataset, version, again) if each), key=lambda each: each.id)
        limits = [job.item_limit for job in jobs.all(session, dataset.id) if job.id in set(facts.jobs)]
        limit = min((each for each in limits if each is not None), default=None)
        usd, seconds, rows, count = Decimal(0), 0.0, 0, 0
        unknown: list[str] = []
        for line in facts.lines:
            try:
                for model in needs.local_models(specs.parse(line.spec)):
                    if not packages.HUB_ID.fullmatch(model):  # what the hub has is fetched
                        packages.source(model)
                source = None if line.source is None else datasets.get(session, line.source)
                made = planning.estimate(session, there, specs.parse(line.spec), Split.TEST, limit, source)
            except (NotFound, UserError):  # its model, endpoint or adapter is gone
                unknown.append(line.label)
                continue
            count, rows = count + 1, made.items
            seconds += made.seconds + made.fixed_seconds
            if made.total:
                usd += made.total[1]
            else:
                unknown.append(line.label)
    return None if unknown else usd, seconds, sentences.anew(usd, seconds, count, rows, unknown)
