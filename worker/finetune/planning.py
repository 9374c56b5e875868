"""From the settings of a fine-tune and a dataset to its rows, its queue, and an estimate of time and money."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import polars as pl

from db import access, adapters, datasets, endpoints, jobs, rates, results, trainings, workers
from db.engine import Session
from db.errors import NotReady, UserError
from db.job_results import PilotResult, TrainingResult
from db.types import Adapter, Dataset, Job, JobKind, JobState, Queue, Split, Verb
from worker.datasets import price_bounds
from worker.endpoints import tariffs, tuning
from worker.finetune import export
from worker.finetune.rows import priced_items
from worker.prompts import versions
from worker.specs import MODELS, finetune
from worker.specs.base import is_endpoint_model
from worker.specs.finetune import FEWEST_ROWS, SPREAD, TrainSpec
from worker.specs.forms import FORMS

SCALED_SPREAD = 0.75, 1.4  # of one that was measured for another number of rows or epochs
_COUNTED = 200  # rows whose tokens are counted


@dataclass(frozen=True, slots=True)
class TrainEstimate:
    """What a fine-tune would take, at today's rates."""

    seconds: float | None  # None: an endpoint does not say how long it takes
    low: float | None  # seconds, at least and at most
    high: float | None
    usd: Decimal | None  # None: what the endpoint takes for training is unknown
    steps: int  # of the optimiser; 0 = the endpoint decides
    basis: str  # a sentence: what this rests on
    is_scaled: bool = False  # measured with other rows or epochs
    caution: str = ""  # a sentence about rows whose price can't be learned


def pinned(session: Session, dataset: Dataset, spec: TrainSpec) -> TrainSpec:
    """The spec with its prompt as "name@version" and the bounds of its prices, so that a job says exactly what it
    learned, for ever."""
    check_model(spec.model)
    named = spec.prompt if spec.prompt != "auto" else "question" if spec.uses_endpoint else "listing"
    return price_bounds.pin(session, dataset, spec.model_copy(update={"prompt": versions.resolve(session, named).ref}))


def check_model(model: str) -> None:
    """Raises NotAllowed where whoever acts may not have a model read from a folder or a hub."""
    if model and model not in MODELS and not is_endpoint_model(model):
        access.check(Verb.USE_ANY_MODEL)


def check(session: Session, dataset: Dataset, spec: TrainSpec) -> int:
    """How many rows there are to learn from. Raises NotReady, NotFound or UserError when a training could only fail."""
    if spec.uses_endpoint:
        endpoints.get(session, spec.model.partition(":")[0])
        if not spec.says.at_endpoints:
            learnt = " or ".join(name for name, form in FORMS.items() if form.at_endpoints)
            raise UserError(
                f"A model behind an endpoint can only learn {learnt}; choose {learnt}, or a model that is here."
            )
    elif spec.model not in MODELS and "/" not in spec.model and "\\" not in spec.model:
        raise NotReady(
            f"There is no model {spec.model!r}: choose {', '.join(MODELS)}, the folder of a model, a hub id "
            "(owner/name) or endpoint:model."
        )
    if not spec.uses_endpoint and spec.quantisation == "nf4" and not workers.serves(session, Queue.GPU):
        raise NotReady(
            "Base weights in nf4 need a GPU worker with the package bitsandbytes, and no GPU worker is there; start "
            "one, or train with plain base weights."
        )
    return check_prices(session, dataset, spec)


def check_cap(session: Session, dataset: Dataset, spec: TrainSpec, cap_usd: Decimal) -> None:
    """Raises UserError where a cap could not be kept."""
    known = _counted(session, dataset, spec)
    if known.usd is None:
        raise UserError(
            f"Nobody knows what a token costs that {spec.model} is tuned on, so a cap can't be kept; start it without "
            "a cap, or enter its price on the Endpoints page first."
        )
    if known.usd > cap_usd:
        raise UserError(
            f"Training would cost about ${known.usd:,.4f}, more than the ${cap_usd:,.4f} that may be spent; allow "
            "more, or learn from fewer rows."
        )


def check_prices(session: Session, dataset: Dataset, spec: TrainSpec) -> int:
    price_bounds.check(spec.bounds)
    for side in (Split.VALIDATION, Split.TRAIN):
        rows = _priced(session, dataset, spec, side)
        rows = min(rows, spec.rows or rows) if side is Split.TRAIN else rows
        if rows < FEWEST_ROWS:
            where = f" in {', '.join(spec.categories)}" if spec.categories else ""
            raise NotReady(
                f"Fine-tuning needs at least {FEWEST_ROWS} {side} rows with a price, and {dataset.name} gives {rows}"
                f"{where}; choose more rows, more categories or another dataset."
            )
    if refusal := price_bounds.learned(session, dataset, spec).refusal(dataset.name):
        raise UserError(refusal)
    return rows


def _priced(session: Session, dataset: Dataset, spec: TrainSpec, side: Split) -> int:
    """How many rows of a side have a price; every row that is not on the side `unpriced` has one."""
    if not spec.categories:
        return dataset.splits.get(side, 0)
    return len(datasets.items(session, dataset.id, side).filter(pl.col("category").is_in(spec.categories)))


def seen(spec: TrainSpec, rows: int) -> int:
    """Items that the optimiser sees, over all epochs."""
    return round(spec.epochs * rows)


def queue_for(session: Session, spec: TrainSpec) -> Queue:
    if spec.uses_endpoint:
        return Queue.ENDPOINT
    return Queue.GPU if workers.serves(session, Queue.GPU) else Queue.CPU


def estimate(session: Session, dataset: Dataset, spec: TrainSpec) -> TrainEstimate | None:
    """What training with a pinned spec would take; None when nothing like it was measured here yet."""
    items_seen = seen(spec, check(session, dataset, spec))
    known = _counted(session, dataset, spec) if spec.uses_endpoint else _measured(session, dataset, spec, items_seen)
    return known and replace(known, caution=price_bounds.learned(session, dataset, spec).sentence())


def _counted(session: Session, dataset: Dataset, spec: TrainSpec) -> TrainEstimate:
    """The estimate of a tuning, by the tokens that an endpoint would be paid for."""
    learned, _ = priced_items(session, dataset, spec)
    counted = learned.head(_COUNTED)
    tokens = export.tokens(counted, spec, versions.resolve(session, spec.prompt))
    tokens = round(tokens / len(counted) * len(learned) * tuning.whole(spec.epochs))
    endpoint, _, model = spec.model.partition(":")
    per_million = tariffs.training(session, endpoints.get(session, endpoint), model)
    basis = f"About {tokens:,} tokens, counted roughly, by their length."
    if per_million is None:
        unknown = "What the endpoint takes for training is unknown: enter it on the Endpoints page."
        return TrainEstimate(None, None, None, None, 0, f"{basis} {unknown}")
    return TrainEstimate(None, None, None, rates.of_training(tokens, per_million), 0, basis)


@dataclass(frozen=True, slots=True)
class _Measurement:
    """What a training took here, or would take after its pilot."""

    spec: TrainSpec
    seconds: float
    low: float
    high: float
    steps: int
    basis: str
    apart: float  # seconds of `seconds` that rows and epochs do not change: loading, the gate


def _measured(session: Session, dataset: Dataset, spec: TrainSpec, items_seen: int) -> TrainEstimate | None:
    queue = queue_for(session, spec)
    known = list(_measurements(session, dataset.id, queue))
    alike = [each for each in known if _apart_from_size(each.spec) == _apart_from_size(spec)]
    best = next((each for each in alike if each.spec.hash == spec.hash), None)
    is_scaled = best is None
    if best is None and alike:
        best = alike[0]
        best = _scaled(best, items_seen / seen(best.spec, check_prices(session, dataset, best.spec)))
    if best is None:
        return None
    usd = rates.usd_for(best.seconds, rates.usd_per_hour(session, queue))
    return TrainEstimate(best.seconds, best.low, best.high, usd, best.steps, best.basis, is_scaled)


def _apart_from_size(spec: TrainSpec) -> TrainSpec:
    return spec.model_copy(update={"rows": 0, "epochs": 1.0})


def _scaled(measured: _Measurement, share: float) -> _Measurement:
    seconds, (least, most) = measured.apart + (measured.seconds - measured.apart) * share, SCALED_SPREAD
    rows = f"{measured.spec.rows:,} rows" if measured.spec.rows else "all rows"
    basis = f"{measured.basis} That was with {rows} and {measured.spec.epochs:g} epochs"
    return replace(
        measured,
        seconds=seconds,
        low=seconds * least,
        high=seconds * most,
        steps=max(1, round(measured.steps * share)),
        basis=f"{basis}; its steps are reckoned {share:.3g}-fold.",
    )


def _measurements(session: Session, dataset_id: int, queue: Queue) -> Iterator[_Measurement]:
    """What was measured on a queue: whole trainings first, then pilots, newest first."""
    for kind, figures in ((JobKind.FINETUNE, _of_training), (JobKind.PILOT, _of_pilot)):
        for job in jobs.all(session, dataset_id, kind):
            measurement = figures(session, job) if job.state is JobState.DONE and job.queue is queue else None
            if measurement:
                yield measurement


def _of_training(session: Session, job: Job) -> _Measurement | None:
    """What a training took; None for one that ended early: it does not say what the whole takes."""
    adapter = made_by(session, job)
    if adapter is None or adapter.metrics.get("stopped") or not job.fixed_seconds:
        return None
    spec, seconds, (least, most) = finetune.parse(job.spec["train"]), job.fixed_seconds, SPREAD
    steps = max((point.step for point in trainings.points(session, job.id)), default=0)
    basis = f"Measured in the training of job {job.id}."
    gate = max(0.0, seconds - adapter.seconds)
    return _Measurement(spec, seconds, seconds * least, seconds * most, steps, basis, gate)


def _of_pilot(session: Session, job: Job) -> _Measurement | None:
    """What a training would take after its pilot; None where the pilot left nothing."""
    stored = results.get(session, job.id)
    if not stored:
        return None
    timed = PilotResult.parse(stored)
    return _Measurement(
        finetune.parse(job.spec["train"]),
        timed.seconds,
        timed.low_seconds,
        timed.high_seconds,
        timed.steps,
        timed.basis,
        timed.apart_seconds,
    )


def made_by(session: Session, job: Job) -> Adapter | None:
    """The adapter that a fine-tune brought; None before it did, and when it was deleted."""
    own = adapters.of_job(session, job.id)
    if own is not None:
        return own
    same = TrainingResult.parse(results.get(session, job.id) or {}).adapter  # of an earlier job, which keeps them
    return next((adapter for adapter in adapters.all(session) if adapter.id == same), None)
