"""The chunks of a pricing job, and an estimate of its time and money before anything is started."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from db import artifacts, datasets, endpoints, job_progress, jobs, predictions, rates
from db.engine import Session
from db.errors import NotReady, UserError
from db.types import Dataset, Family, JobKind, JobState, Priority, Queue, Split, Step
from worker.adapters import pricing
from worker.datasets import price_bounds
from worker.evaluation import calibration
from worker.finetune.planning import check_model
from worker.jobs.machines import machine_queue
from worker.pricing import token_estimate
from worker.prompts import versions
from worker.specs import ENDPOINT_VALIDATION, LOCAL_VALIDATION, BaseSpec, CombinedSpec, LlmSpec, describe, members_of

_ENDPOINT_SECONDS = 0.05  # per item, with many calls at once


@dataclass(frozen=True)
class Estimate:
    """What a job would take; money at today's rates."""

    spec: BaseSpec
    items: int
    seconds: float  # pricing
    usd: Decimal | None  # pricing; None: the endpoint's price is unknown
    fixed_seconds: float  # fitting and indexing
    fixed_usd: Decimal | None  # None: an endpoint's price is unknown
    basis: str  # a sentence: what this rests on
    reuses: int | None  # a job that already has these answers
    usd_low: Decimal | None = None  # 90 % interval of `usd`, where the pilot gives one
    usd_high: Decimal | None = None
    tokens_in: int = 0  # over all items; 0 where no language model is involved
    tokens_out: int = 0
    answers_to_fit: int = 0  # rows that a language model is asked about before the first row is priced; part of fixed_*

    @property
    def total(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """Dollars of fitting and pricing: the low end of the interval, the usual value, the high end; None: unknown."""
        if self.usd is None or self.fixed_usd is None:
            return None
        low, high = (self.usd if end is None else end for end in (self.usd_low, self.usd_high))
        return self.fixed_usd + low, self.fixed_usd + self.usd, self.fixed_usd + high


def has_fit(source: Dataset, spec: BaseSpec) -> bool:
    """Whether a job has a fit step: its technique learns, or there are rows enough to calibrate it."""
    return spec.learns or calibration.count(spec, source.splits.get(Split.VALIDATION, 0)) > 0


def chunks(source: Dataset, spec: BaseSpec, blocks: Sequence[Sequence[int]]) -> list[tuple[Step, list[int]]]:
    """The steps of a pricing job: fit, each block of rows in pieces of `chunk_size`, and a measurement at the end,
    which of rows without a price says whether they are like those that intervals were learned on."""
    pieces = [
        list(block[start : start + spec.chunk_size])
        for block in blocks
        for start in range(0, len(block), spec.chunk_size)
    ]
    first: list[tuple[Step, list[int]]] = [(Step.FIT, [])] if has_fit(source, spec) else []
    return [*first, *((Step.PRICE, piece) for piece in pieces), (Step.EVALUATE, [])]


def queue_for(session: Session, spec: BaseSpec) -> Queue:
    """Calls to endpoints wait on the network; local models go to a GPU where a worker has one; the rest to the CPU."""
    return Queue.ENDPOINT if spec.uses_endpoint else machine_queue(session, spec)


def priority(dataset: Dataset, spec: BaseSpec) -> Priority:
    if dataset.is_synthetic:
        return Priority.DEMO
    return Priority.BASELINE if spec.family is Family.BASELINE else Priority.USUAL


def step_seconds(session: Session, source: Dataset, spec: BaseSpec) -> dict[Step, float]:
    """How long fitting and pricing one row are expected to take: what the order of work goes by."""
    per_item, fit_seconds, _ = _speed(session, source, spec, queue_for(session, spec))
    is_learned = artifacts.fit_seconds(session, datasets.fit_hash(source, spec.fit_key)) is not None
    return {Step.FIT: 0.0 if is_learned else fit_seconds, Step.PRICE: per_item}


def check(session: Session, source: Dataset, spec: BaseSpec, rows: Sequence[int]) -> None:
    """Raises NotReady or NotFound when the job could only fail."""
    if not rows:
        raise NotReady("There are no rows to price here: choose other rows, or a file that has some.")
    if spec.learns and not source.splits.get(Split.TRAIN):
        raise NotReady(
            f"{spec.label} learns from rows with a price, and {source.name} has none to learn from; learn from another "
            "dataset, or use another technique."
        )
    if isinstance(spec, LlmSpec):
        pricing.check(session, spec, source)
        _check_model(session, spec)
    for member in members_of(spec):
        check(session, source, member, rows)


def _check_model(session: Session, spec: LlmSpec) -> None:
    price_bounds.check(spec.bounds)
    calls_functions = None if spec.uses_endpoint else False
    if spec.uses_endpoint:
        endpoint, _, model = spec.model.partition(":")
        calls_functions = endpoints.get(session, endpoint).model(model).abilities.get("tools")
    if spec.calls_functions and calls_functions is False:
        raise NotReady(
            f"{spec.label} is not supported by this model: {spec.model} can't call functions; choose a model behind an "
            "endpoint that can (the Endpoints page tests it)."
        )


def pinned(session: Session, source: Dataset, spec: BaseSpec) -> BaseSpec:
    """The spec with all that its adapter, its prompt's newest version and the train side decide, so that a job says
    exactly how it prices, for ever; its members' likewise. Raises NotReady, NotFound, UserError."""
    if isinstance(spec, CombinedSpec):
        members = dict.fromkeys(pinned(session, source, member) for member in spec.members)
        if len(members) < 2:
            raise UserError(f"{spec.label}: all members are the same technique with the same settings; name another.")
        return spec.model_copy(update={"members": tuple(members)})
    if "model" not in spec.filled:  # what an adapter was trained on, an admin allowed then
        check_model(str(getattr(spec, "model", "")))
    return price_bounds.pin(session, source, versions.pin(session, pricing.fill(session, spec)))


def estimate(
    session: Session,
    dataset: Dataset,
    spec: BaseSpec,
    split: Split | None,
    limit: int | None,
    source: Dataset | None = None,
) -> Estimate:
    """What pricing a dataset with what another one teaches would take; `source` None: it learns from its own rows."""
    elsewhere = source is not None
    target = datasets.target_rows(session, dataset.id, split, limit, elsewhere=elsewhere)
    known = source or dataset
    spec = pinned(session, known, spec)
    same = jobs.same(
        session, dataset.id, fit_key=spec.fit_key, split=split, limit=limit, source_id=source.id if source else None
    )
    if isinstance(spec, CombinedSpec):
        made = _of_members(session, dataset, known, spec, target)
    else:
        made = _of_one(session, dataset, known, spec, target)
    is_racing = same is not None and same.race_id is not None and not same.state.is_final
    return replace(made, reuses=same.id if same and not is_racing else None)


def busy_members(
    session: Session, dataset: Dataset, planned: Sequence[BaseSpec], source: Dataset | None = None
) -> list[str]:
    """A sentence for each combination that would start while jobs of its members are at work."""
    at_work = {
        job.spec_hash: job
        for job in jobs.all(session, dataset.id, JobKind.PRICE)
        if job.state is JobState.RUNNING and job.learned_from == (source or dataset).id
    }
    said = []
    for spec in planned:
        members = [pinned(session, source or dataset, member) for member in members_of(spec)]
        busy = [f"job {at_work[each.hash].id} ({describe(each)})" for each in members if each.hash in at_work]
        if busy:
            said.append(
                f"{spec.label} does not wait for {' and '.join(busy)}, still at work: answers that are not there yet "
                "are worked out a second time, though none is paid for twice at an endpoint. Start it afterwards to "
                "save that."
            )
    return said


def _of_one(session: Session, dataset: Dataset, source: Dataset, spec: BaseSpec, target: list[int]) -> Estimate:
    rows = len(target)
    queue = queue_for(session, spec)
    usd_per_hour = rates.usd_per_hour(session, queue)
    per_item, fit_seconds, basis = _speed(session, source, spec, queue)
    done = artifacts.fit_seconds(session, datasets.fit_hash(source, spec.fit_key))
    fit_seconds = (done if done is not None else fit_seconds) if has_fit(source, spec) else 0.0
    cautions = pricing.caution(session, spec, dataset, source), price_bounds.caution(session, dataset, spec, source)
    basis = " ".join(filter(None, (basis, *cautions)))
    plain = Estimate(
        spec=spec,
        items=rows,
        seconds=per_item * rows,
        usd=rates.usd_for(per_item * rows, usd_per_hour),
        fixed_seconds=fit_seconds,
        fixed_usd=rates.usd_for(fit_seconds, usd_per_hour),
        basis=basis,
        reuses=None,
        answers_to_fit=_answers_to_fit(source, spec) if done is None and spec.uses_llm else 0,
    )
    return _with_tokens(session, dataset, source, spec, target, plain) if isinstance(spec, LlmSpec) and rows else plain


def _of_members(session: Session, dataset: Dataset, source: Dataset, spec: CombinedSpec, target: list[int]) -> Estimate:
    """What the members have not answered yet; at most, because an ensemble leaves out who brings nothing, and a cascade
    asks the dearer ones about some rows only."""
    source_id = None if source.id == dataset.id else source.id
    missing = [
        predictions.unanswered(session, dataset.id, member.fit_key, target, source_id) for member in spec.members
    ]
    parts = [_of_one(session, dataset, source, *pair) for pair in zip(spec.members, missing, strict=True)]
    there = len(target) * len(parts) - sum(part.items for part in parts)
    basis = f"At most: all members asked about all rows, less {there:,} answers that are there."
    known = [part for part in parts if part.usd is not None]
    low, usual, high = (
        sum((getattr(part, end) or part.usd or Decimal(0) for part in known), start=Decimal(0))
        for end in ("usd_low", "usd", "usd_high")
    )
    is_known, is_exact = len(known) == len(parts), low == high
    fixed = [part.fixed_usd for part in parts if part.fixed_usd is not None]
    return Estimate(
        spec=spec,
        items=len(target),
        seconds=sum(part.seconds for part in parts),
        usd=usual if is_known else None,
        fixed_seconds=sum(part.fixed_seconds for part in parts),
        fixed_usd=sum(fixed, start=Decimal(0)) if len(fixed) == len(parts) else None,
        basis=" ".join(dict.fromkeys([basis, *(part.basis for part in parts)])),
        reuses=None,
        usd_low=low if is_known and not is_exact else None,
        usd_high=high if is_known and not is_exact else None,
        tokens_in=sum(part.tokens_in for part in parts),
        tokens_out=sum(part.tokens_out for part in parts),
        answers_to_fit=sum(part.answers_to_fit for part in parts),
    )


def _with_tokens(
    session: Session, dataset: Dataset, source: Dataset, spec: LlmSpec, target: list[int], plain: Estimate
) -> Estimate:
    """The estimate with tokens, and for a model behind an endpoint with their price instead of machine time."""
    counted = token_estimate.count(session, dataset, source, spec, target)
    plain = replace(
        plain,
        tokens_in=round(counted.tokens_in[1] * plain.items),
        tokens_out=round(counted.tokens_out[1] * plain.items),
    )
    if not spec.uses_endpoint:
        return plain
    about = "exactly" if counted.is_exact else "roughly, by their length"
    basis = f"Tokens of {min(token_estimate.ROWS, plain.items)} of these rows, counted {about}."
    tariff = token_estimate.tariff(session, spec)
    if tariff is None:
        basis += " What they cost is unknown: enter it on the Endpoints page."
        return replace(plain, usd=None, fixed_usd=None if plain.answers_to_fit else plain.fixed_usd, basis=basis)
    day = f", of {tariff.valid_from:%Y-%m-%d}" if tariff.valid_from else ""
    low, usual, high = counted.usd(tariff, plain.items, batch=spec.batch != "off")
    if plain.answers_to_fit:
        basis += f" The fixed cost is that of {plain.answers_to_fit} answers about validation rows: they say how wide"
        basis += " intervals must be."
    return replace(
        plain,
        usd=usual,
        usd_low=low,
        usd_high=high,
        fixed_usd=(plain.fixed_usd or Decimal(0)) + usual * plain.answers_to_fit / plain.items,
        basis=f"{basis} Prices: {tariff.source}{day}.",
    )


def _answers_to_fit(source: Dataset, spec: BaseSpec) -> int:
    """Validation rows that a model is asked about when its technique fits: to learn how to read it, to calibrate."""
    validation = source.splits.get(Split.VALIDATION, 0)
    calibrated = calibration.count(spec, validation)
    most = ENDPOINT_VALIDATION if spec.uses_endpoint else LOCAL_VALIDATION
    return calibrated + (min(most, validation - calibrated) if spec.judges else 0)


def _speed(session: Session, source: Dataset, spec: BaseSpec, queue: Queue) -> tuple[float, float, str]:
    """(seconds per item, seconds to fit, what that rests on): the nearest measurement there is; for one that is made of
    others what they take, because its own time depends on how many of their answers were there."""
    if isinstance(spec, CombinedSpec):
        parts = [_speed(session, source, member, queue_for(session, member)) for member in spec.members]
        return sum(part[0] for part in parts), sum(part[1] for part in parts), "The sum of its members."
    exact = job_progress.measured_seconds(session, spec.technique, queue, spec.hash)
    if exact:
        return *exact, "Measured here with these very settings."
    similar = job_progress.measured_seconds(session, spec.technique, queue)
    if similar:
        return *similar, "Measured here with other settings of this technique."
    per_item = _ENDPOINT_SECONDS if spec.uses_endpoint else spec.seconds.per_item
    fit = spec.seconds.fit + spec.seconds.fit_per_row * source.splits.get(Split.TRAIN, 0)
    fit += per_item * calibration.count(spec, source.splits.get(Split.VALIDATION, 0))
    return per_item, fit, "A rule of thumb from two ordinary cores; it becomes a measurement after the first run."
