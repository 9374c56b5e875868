"""Every verb that starts pricing, for pages and the command line alike: estimate, start, start a context curve."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple

from db import datasets, jobs
from db.engine import Session, begin
from db.errors import NotFound, NotReady, UserError, WrongState
from db.types import Dataset, Family, JobKind, Split
from worker.adapters import pricing
from worker.app import start_job
from worker.datasets import quantities
from worker.datasets.actions import one_currency, ready
from worker.evaluation import context_curve
from worker.pricing import comparison, planning
from worker.pricing.planning import Estimate
from worker.specs import BaseSpec, CombinedSpec, EnsembleSpec, parse
from worker.specs.combined import MOST


def estimate(
    dataset_id: int,
    specs: Sequence[BaseSpec],
    split: Split | None = None,
    limit: int | None = None,
    *,
    source_id: int | None = None,
) -> list[Estimate]:
    """What pricing would take, one line per spec; nothing is started. `source_id` as for `start`."""
    with begin() as session:
        dataset = ready(session, dataset_id)
        source = _elsewhere(session, dataset, source_id)
        return [planning.estimate(session, dataset, spec, split, limit, source) for spec in specs]


def busy_members(dataset_id: int, specs: Sequence[BaseSpec], source_id: int | None = None) -> list[str]:
    """`planning.busy_members` of a dataset."""
    with begin() as session:
        dataset = ready(session, dataset_id)
        return planning.busy_members(session, dataset, specs, _elsewhere(session, dataset, source_id))


def _elsewhere(session: Session, dataset: Dataset, source_id: int | None) -> Dataset | None:
    """The source, where that is another dataset. Raises NotReady where nothing can be learned from it."""
    if source_id is None or source_id == dataset.id:
        return None
    source = ready(session, source_id)
    if dataset.id in source.joined_from:
        raise UserError(
            f"{source.name} holds the rows of {dataset.name} itself, so prices of them would only be looked up; learn "
            "from the other tables alone."
        )
    if not source.splits.get(Split.TRAIN):
        raise NotReady(f"Nothing can be learned from {source.name}: it has no train rows with a price; choose another.")
    one_currency([source, dataset])
    return source


def start(
    dataset_id: int,
    specs: Sequence[BaseSpec],
    split: Split | None = None,
    limit: int | None = None,
    *,
    cap_usd: Decimal | None = None,
    source_id: int | None = None,
) -> list[int]:
    """Start a pricing job per spec; returns their ids. The same spec and source on the same rows is the same job: it is
    reused.

    `split` None prices the test side (to measure) and the rows without a price (to have one). `cap_usd` bounds what
    each job may pay to endpoints; reaching it pauses the job. `source_id`: another dataset to learn from; None then
    prices every row, and what was fitted on that dataset is used as it is.
    """
    with begin() as session:
        dataset = ready(session, dataset_id)
        source = _elsewhere(session, dataset, source_id)
        rows = datasets.target_rows(session, dataset_id, split, limit, elsewhere=source is not None)
        quantities.check(session, source or dataset, dataset)
        job_ids = []
        for spec in [planning.pinned(session, source or dataset, each) for each in specs]:
            planning.check(session, source or dataset, spec, rows)
            same = jobs.same(
                session,
                dataset_id,
                fit_key=spec.fit_key,
                split=split,
                limit=limit,
                source_id=source.id if source else None,
            )
            if same and same.race_id is not None and not same.state.is_final:
                raise WrongState(
                    f"Job {same.id} prices these rows for race {same.race_id}, which goes on; wait for it to end, or "
                    "cancel the race."
                )
            job_ids.append(
                jobs.taken_again(session, same)
                if same
                else start_one(session, dataset, spec, [rows], split, limit, cap_usd, source=source)
            )
        return job_ids


def start_one(
    session: Session,
    dataset: Dataset,
    spec: BaseSpec,
    blocks: Sequence[Sequence[int]],
    split: Split | None,
    limit: int | None,
    cap_usd: Decimal | None,
    *,
    race_id: int | None = None,
    source: Dataset | None = None,
) -> int:
    """Start the job of a pinned and checked spec on blocks of rows, none of which shares a chunk with another; its id.

    A race that drives it releases the blocks. `source`: the dataset to learn from, where that is another one.
    """
    known = source or dataset
    job_id = start_job(
        session,
        kind=JobKind.PRICE,
        dataset_id=dataset.id,
        queue=planning.queue_for(session, spec),
        chunks=planning.chunks(known, spec, blocks),
        technique=spec.technique,
        spec=spec.model_dump(mode="json"),
        spec_hash=spec.hash,
        fit_key=spec.fit_key,
        split=split,
        limit=limit,
        items_total=sum(map(len, blocks)),
        cap_usd=cap_usd if spec.uses_endpoint else None,
        priority=planning.priority(dataset, spec),
        seconds=planning.step_seconds(session, known, spec),
        race_id=race_id,
        source_id=source.id if source else None,
        source_fingerprint=datasets.fingerprint(source) if source else "",
    )
    is_known = pricing.knows_training_cost(session, spec)
    jobs.add_fixed_cost(session, job_id, *pricing.training_cost(session, spec), is_known=is_known)
    return job_id


def with_members(dataset_id: int, spec: BaseSpec, names: str) -> BaseSpec:
    """An ensemble or a cascade of what a list names, with commas between: techniques with their usual settings, and
    pricing jobs of the dataset by number; every other spec as it is. Raises NotFound, UserError."""
    if not isinstance(spec, CombinedSpec):
        return spec
    refs = [ref for ref in names.replace(",", " ").split() if ref]
    if len(refs) < 2:
        raise UserError(f"{spec.label} needs two members at least, such as ridge,neighbours.")
    with begin() as session:
        priced = {str(job.id): job.spec for job in jobs.all(session, dataset_id, JobKind.PRICE)}
    members = []
    for ref in refs:
        if ref.isdecimal() and ref not in priced:
            raise NotFound(
                f"Dataset {dataset_id} has no job {ref} that prices; `pricewright jobs` lists those there are."
            )
        members.append(priced.get(ref, {"technique": ref}))
    return parse(spec.model_dump(mode="json") | {"members": members})


class Members(NamedTuple):
    """What an ensemble or a cascade on a dataset can be made of."""

    known: dict[str, BaseSpec]  # a technique's name or a job's number, as `with_members` takes them -> spec
    usual: list[str]  # those that are taken where nobody chose


def possible_members(dataset_id: int) -> Members:
    """The specs that finished jobs of the dataset priced test rows with, each once, then the usual baselines.

    Taken at first: the finished ones that ask no language model; where there are fewer than two, the baselines.
    """
    with begin() as session:
        every = comparison.comparable(jobs.all(session, dataset_id, JobKind.PRICE))
    known: dict[str, BaseSpec] = {}
    for job in every:
        with suppress(UserError):  # stored by an earlier version, whose technique had other settings
            spec = parse(job.spec)
            if not isinstance(spec, CombinedSpec) and spec not in known.values():
                known[str(job.id)] = spec
    cheap = [ref for ref, spec in known.items() if spec.family is Family.BASELINE][:MOST]
    usual = cheap if len(cheap) >= 2 else []
    for baseline in EnsembleSpec().members:
        ref = next((ref for ref, spec in known.items() if spec == baseline), baseline.technique)
        known[ref] = baseline
        if len(cheap) < 2:
            usual.append(ref)
    return Members(known, usual)


def start_curve(
    dataset_id: int,
    spec: BaseSpec,
    limit: int,
    ks: Sequence[int] = context_curve.STEPS,
    *,
    cap_usd: Decimal | None = None,
) -> list[int]:
    """Price a sample of the test rows once per k, to see whether more context pays. Returns the jobs, in the order of
    `ks`."""
    if "k" in spec.filled:
        raise UserError(
            f"{spec.label} reads as many neighbours as its adapter was trained with; choose examples or RAG."
        )
    if not spec.k_counts:
        raise UserError(f"{spec.label} has no examples or neighbours to count; choose examples or RAG.")
    steps = [spec.model_copy(update={"k": k}) for k in ks]
    return start(dataset_id, steps, Split.TEST, limit, cap_usd=cap_usd)
