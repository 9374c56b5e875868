"""The chunks of a pricing job, and an estimate of its time and money before anything is started."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from db import artifacts, datasets, endpoints, job_progress, jobs, rates, workers
from db.engine import Session
from db.errors import NotReady
from db.types import Dataset, Family, Priority, Queue, Split, Step
from worker.adapters import pricing
from worker.datasets import price_bounds
from worker.pricing import token_estimate
from worker.prompts import versions
from worker.specs import ENDPOINT_VALIDATION, BaseSpec, LlmSpec

_ENDPOINT_SECONDS = 0.05  # per item, with many calls at once


@dataclass(frozen=True)
class Estimate:
    """What a job would take; money at today's rates."""

    spec: BaseSpec
    items: int
    seconds: float  # pricing
    usd: Decimal | None  # pricing; None: the endpoint's price is unknown
    fixed_seconds: float  # fitting and indexing
    fixed_usd: Decimal
    basis: str  # a sentence: what this rests on
    reuses: int | None  # a job that already has these answers
    usd_low: Decimal | None = None  # 90 % interval of `usd`, where the pilot gives one
    usd_high: Decimal | None = None
    tokens_in: int = 0  # over all items; 0 where no language model is involved
    tokens_out: int = 0


def chunks(spec: BaseSpec, blocks: Sequence[Sequence[int]], *, measure: bool) -> list[tuple[Step, list[int]]]:
    """The steps of a pricing job: fit, each block in pieces of `chunk_size`, and a measurement at the end."""
    pieces = [
        list(block[start : start + spec.chunk_size])
        for block in blocks
        for start in range(0, len(block), spec.chunk_size)
    ]
    return (
        ([(Step.FIT, [])] if spec.learns else [])
        + [(Step.PRICE, piece) for piece in pieces]
        + ([(Step.EVALUATE, [])] if measure else [])
    )


def queue_for(session: Session, spec: BaseSpec) -> Queue:
    """Calls to endpoints wait on the network; local models go to a GPU where a worker has one; the rest to the CPU."""
    if spec.uses_endpoint:
        return Queue.ENDPOINT
    return Queue.GPU if spec.uses_llm and workers.serves(session, Queue.GPU) else Queue.CPU


def priority(spec: BaseSpec) -> Priority:
    return Priority.BASELINE if spec.family is Family.BASELINE else Priority.USUAL


def step_seconds(session: Session, dataset: Dataset, spec: BaseSpec) -> dict[Step, float]:
    """How long fitting and pricing one row are expected to take: what the order of work goes by."""
    per_item, fit_seconds, _ = _speed(session, dataset, spec, queue_for(session, spec))
    is_learned = artifacts.fit_seconds(session, datasets.fit_hash(dataset, spec.fit_key)) is not None
    return {Step.FIT: 0.0 if is_learned else fit_seconds, Step.PRICE: per_item}


def check(session: Session, dataset: Dataset, spec: BaseSpec, rows: Sequence[int]) -> None:
    """Raises NotReady or NotFound when the job could only fail."""
    if not rows:
        raise NotReady("There are no rows to price here: choose other rows, or a file that has some.")
    if spec.learns and not dataset.splits.get(Split.TRAIN):
        raise NotReady(f"{spec.label} learns from rows with a price, and this dataset has none; use another technique.")
    if isinstance(spec, LlmSpec):
        _check_model(session, spec)


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


def pinned(session: Session, dataset: Dataset, spec: BaseSpec) -> BaseSpec:
    """The spec with all that its adapter, its prompt's newest version and the train side decide, so that a job says
    exactly how it prices, for ever. Raises NotReady, NotFound, UserError."""
    return price_bounds.pin(session, dataset, versions.pin(session, pricing.fill(session, spec)))


def estimate(session: Session, dataset: Dataset, spec: BaseSpec, split: Split | None, limit: int | None) -> Estimate:
    target = datasets.target_rows(session, dataset.id, split, limit)
    rows = len(target)
    spec = pinned(session, dataset, spec)
    queue = queue_for(session, spec)
    usd_per_hour = rates.usd_per_hour(session, queue)
    per_item, fit_seconds, basis = _speed(session, dataset, spec, queue)
    if spec.learns:
        done = artifacts.fit_seconds(session, datasets.fit_hash(dataset, spec.fit_key))
        fit_seconds = done if done is not None else fit_seconds
    else:
        fit_seconds = 0.0
    cautions = pricing.caution(session, spec, dataset), price_bounds.caution(session, dataset, spec)
    basis = " ".join(filter(None, (basis, *cautions)))
    same = jobs.same(session, dataset.id, spec.hash, split, limit)
    plain = Estimate(
        spec=spec,
        items=rows,
        seconds=per_item * rows,
        usd=rates.usd_for(per_item * rows, usd_per_hour),
        fixed_seconds=fit_seconds,
        fixed_usd=rates.usd_for(fit_seconds, usd_per_hour),
        basis=basis,
        reuses=same.id if same else None,
    )
    return _with_tokens(session, dataset, spec, target, plain) if isinstance(spec, LlmSpec) and rows else plain


def _with_tokens(session: Session, dataset: Dataset, spec: LlmSpec, target: list[int], plain: Estimate) -> Estimate:
    """The estimate with tokens, and for a model behind an endpoint with their price instead of machine time."""
    counted = token_estimate.count(session, dataset, spec, target)
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
        return replace(plain, usd=None, basis=f"{basis} What they cost is unknown: enter it on the Endpoints page.")
    day = f", of {tariff.valid_from:%Y-%m-%d}" if tariff.valid_from else ""
    low, usual, high = counted.usd(tariff, plain.items, batch=spec.batch != "off")
    judged = min(dataset.splits.get(Split.VALIDATION, 0), ENDPOINT_VALIDATION) if spec.judges else 0
    return replace(
        plain,
        usd=usual,
        usd_low=low,
        usd_high=high,
        fixed_usd=plain.fixed_usd + usual * judged / plain.items,
        basis=f"{basis} Prices: {tariff.source}{day}.",
    )


def _speed(session: Session, dataset: Dataset, spec: BaseSpec, queue: Queue) -> tuple[float, float, str]:
    """(seconds per item, seconds to fit, what that rests on): the nearest measurement there is."""
    exact = job_progress.measured_seconds(session, spec.technique, queue, spec.hash)
    if exact:
        return *exact, "Measured here with these very settings."
    similar = job_progress.measured_seconds(session, spec.technique, queue)
    if similar:
        return *similar, "Measured here with other settings of this technique."
    per_item = _ENDPOINT_SECONDS if spec.uses_endpoint else spec.seconds.per_item
    fit = spec.seconds.fit + spec.seconds.fit_per_row * dataset.splits.get(Split.TRAIN, 0)
    return per_item, fit, "A rule of thumb from two ordinary cores; it becomes a measurement after the first run."
