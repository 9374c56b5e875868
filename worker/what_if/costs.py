"""What each of several finished jobs' techniques would cost in a scenario: once, a month, and for each item."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from db import adapters, completions, datasets, endpoints, jobs, predictions, rates
from db.engine import Session
from db.errors import NotFound
from db.types import Adapter, Dataset, Job, JobKind, Queue, Split, Tariff
from worker import specs
from worker.adapters import pricing
from worker.endpoints import tariffs
from worker.jobs.machines import machine_queue
from worker.pricing import fit_worth
from worker.specs import BaseSpec, LlmSpec, MultiShotSpec, RetrievalSpec, members_of
from worker.specs.what_if import Scenario


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one job; what is unknown is None, with a sentence in `unknown`."""

    job_id: int
    once: Mapping[str, Decimal | None]  # what for -> $
    monthly: Decimal
    per_item: pl.Series | None  # $ of each row of the frame it was made from
    unknown: Sequence[str] = field(default=())
    notes: Sequence[str] = field(default=())

    @property
    def is_known(self) -> bool:
        return not self.unknown

    @property
    def once_usd(self) -> Decimal | None:
        parts = [usd for usd in self.once.values() if usd is not None]
        return sum(parts, Decimal(0)) if len(parts) == len(self.once) else None


def of_job(session: Session, dataset: Dataset, job: Job, lines: pl.DataFrame, scenario: Scenario) -> Costs:
    """`lines`: the job's lines of db.predictions.costs."""
    spec = specs.parse(job.spec)
    source = dataset if job.source_id is None else datasets.get(session, job.source_id)
    trained = _adapters(session, job)
    unknown: list[str] = []
    notes: list[str] = []
    per_item = _per_item(session, job, lines, scenario, unknown, notes)
    once: dict[str, Decimal | None] = _learning(session, job, trained, scenario)
    if searches(spec):
        embedding = jobs.all(session, source.id, JobKind.INDEX)
        once["knowledge base"] = sum((each.fixed_usd for each in embedding), Decimal(0))
    if scenario.label_usd is not None:
        once["labels"] = scenario.label_usd * labelled(source, spec, trained)
    unknown += [f"what its {what} cost" for what in ("learning", "training") if once.get(what, Decimal(0)) is None]
    return Costs(job.id, once, scenario.hosting_usd * len(trained), per_item, unknown, notes)


def labelled(source: Dataset, spec: BaseSpec, trained: Sequence[Adapter]) -> int:
    """Rows of its source with a price that the technique learned from, searches or shows as examples; of members, which
    share them, those of the one that needs most."""
    if members := members_of(spec):
        return max(labelled(source, member, trained) for member in members)
    train = source.splits.get(Split.TRAIN, 0)
    if isinstance(spec, MultiShotSpec) and spec.choose != "nearest":
        return min(spec.k, train)
    own = next((adapter for adapter in trained if adapter.id == getattr(spec, "adapter", "")), None)
    if own and not spec.learns:
        return own.train_rows
    return train if spec.learns or own else 0


def searches(spec: BaseSpec) -> bool:
    """Whether these settings read the knowledge base."""
    if members := members_of(spec):
        return any(searches(member) for member in members)
    if isinstance(spec, MultiShotSpec):
        return spec.k > 0 and spec.choose == "nearest"
    return spec.k > 0 if isinstance(spec, RetrievalSpec) else spec.searches


def hour(scenario: Scenario, queue: Queue) -> Decimal | None:
    """What an hour of the machines of a queue is supposed to cost; None: as booked."""
    return scenario.gpu_hour_usd if queue is Queue.GPU else scenario.cpu_hour_usd


def _adapters(session: Session, job: Job) -> list[Adapter]:
    """What the job or its members price with; of one that was removed, what it cost stays in the job."""
    kept = []
    for adapter_id in sorted(pricing.adapters_of(job.spec)):
        with suppress(NotFound):
            kept.append(adapters.get(session, adapter_id))
    return kept


def _learning(session: Session, job: Job, trained: Sequence[Adapter], scenario: Scenario) -> dict[str, Decimal | None]:
    """What fitting and training cost, at the supposed price of an hour."""
    fit_seconds = max(0.0, job.fixed_seconds - sum(adapter.seconds for adapter in trained))
    fit = job.fixed_usd - sum(adapter.usd for adapter in trained) + _dearer(scenario, job, fit_seconds)
    if not trained:
        return {"learning": None if job.fixed_unknown else fit}
    if any(adapter.id in pricing.unknown_costs(session) for adapter in trained):
        # The job's books know one sum and whether all of it is known: what is not may be the training alone.
        _, is_known = fit_worth.of_spec(session, datasets.get(session, job.learned_from), specs.parse(job.spec))
        is_known &= not completions.has_unpriced(session, job.id)
        return {"learning": fit if is_known else None, "training": None}
    training = Decimal(0)
    for adapter in trained:
        training += adapter.usd
        if not adapter.uses_endpoint and adapter.job_id is not None:  # at an endpoint nobody pays for the time
            training += _dearer(scenario, jobs.get(session, adapter.job_id), adapter.seconds)
    return {"learning": None if job.fixed_unknown else fit, "training": training}


def _dearer(scenario: Scenario, job: Job, seconds: float) -> Decimal:
    """Dollars more than booked for working seconds of a job."""
    supposed = hour(scenario, job.queue)
    return Decimal(0) if supposed is None else rates.usd_for(seconds, supposed - job.rate_usd_per_hour)


def _per_item(
    session: Session, job: Job, lines: pl.DataFrame, scenario: Scenario, unknown: list[str], notes: list[str]
) -> pl.Series | None:
    """Dollars of each line, anew; None: unknown, which is then said in `unknown`."""
    spec = specs.parse(job.spec)
    members = members_of(spec)
    if not members:
        return _alone(session, spec, job.queue, lines, scenario, unknown, notes)
    queues = [None if member.uses_endpoint else _member_queue(session, job, member) for member in members]
    machines = {queue for queue in queues if queue is not None}
    models = {str(getattr(member, "model", "")) for member in members if member.uses_endpoint}
    has_other_hours = any(hour(scenario, queue) is not None for queue in machines)
    if not (has_other_hours or models & set(scenario.tokens) or (models and scenario.batch)):
        if lines["usd"].null_count():
            unknown.append("what its members charge")
            return None
        return lines["usd"] + lines["saved_usd"]
    if not models and len(machines) == 1:
        return _alone(session, spec, machines.pop(), lines, scenario, unknown, notes)
    took = predictions.members_costs(session, job.id).join(lines.select("row"), on="row", how="semi")
    if took["row"].n_unique() < len(lines):
        unknown.append("what each of its members took (its job kept the sum only; price the rows anew)")
        return None
    total = lines.select("row", usd=pl.lit(0.0))
    for (place,), of_member in took.with_columns(saved_usd=pl.lit(0.0)).group_by("member", maintain_order=True):
        priced = _alone(session, members[int(place)], queues[int(place)], of_member, scenario, unknown, notes)
        if priced is None:
            return None
        added = of_member.select("row", added=priced)
        total = total.join(added, on="row", how="left", maintain_order="left").select(
            "row", usd=pl.col("usd") + pl.col("added").fill_null(0.0)
        )
    return total["usd"]


def _member_queue(session: Session, job: Job, member: BaseSpec) -> Queue:
    """Whose hours a member on this machine takes: those it was booked at where it has a job of its own, else those that
    it would take now."""
    own = (each.queue for each in jobs.all(session, job.dataset_id, JobKind.PRICE) if each.spec_hash == member.hash)
    return next(own, None) or machine_queue(session, member)


def _alone(
    session: Session, spec: BaseSpec, queue: Queue | None, lines: pl.DataFrame, scenario: Scenario,
    unknown: list[str], notes: list[str],
) -> pl.Series | None:  # fmt: skip
    """`_per_item` of what asks one model at most; queue: of the machine that it works on, None: an endpoint."""
    if not isinstance(spec, LlmSpec) or not spec.uses_endpoint:
        supposed = None if queue is None else hour(scenario, queue)
        return lines["usd"] + lines["saved_usd"] if supposed is None else lines["seconds"] * float(supposed) / 3600
    batch = scenario.batch or spec.batch != "off"
    if spec.model in scenario.tokens:
        tariff: Tariff | None = scenario.tokens[spec.model].tariff
    elif batch == (spec.batch != "off"):
        if lines["usd"].null_count():
            unknown.append(f"what {spec.model} charges")
            return None
        return lines["usd"] + lines["saved_usd"]
    else:
        tariff = _listed(session, spec.model)
    if tariff is None:
        unknown.append(f"what {spec.model} charges")
        return None
    if batch and tariff.batch_input is None:
        notes.append(f"Nobody said what a batch costs at {spec.model}: the plain price is taken, which is the most.")
    return at(tariff, lines, batch=batch)


def at(tariff: Tariff, lines: pl.DataFrame, *, batch: bool) -> pl.Series:
    """Dollars of each line (tokens_in, tokens_cached, tokens_out) at a tariff."""
    one = {
        name: float(tariff.usd(*tokens, batch=batch))
        for name, tokens in {"in": (1, 0, 0), "cached": (1, 1, 0), "out": (0, 0, 1)}.items()
    }
    return (
        (lines["tokens_in"] - lines["tokens_cached"]) * one["in"]
        + lines["tokens_cached"] * one["cached"]
        + lines["tokens_out"] * one["out"]
    )


def _listed(session: Session, ref: str) -> Tariff | None:
    endpoint, _, model = ref.partition(":")
    try:
        return tariffs.find(session, endpoints.get(session, endpoint), model)
    except NotFound:
        return None
