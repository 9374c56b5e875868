"""What a person can ask about sources: which dataset a table resembles most, and what did best where it was learned."""

from contextlib import suppress
from dataclasses import dataclass

from db import artifacts, datasets, jobs
from db.engine import Session, begin
from db.errors import NotReady, UserError
from db.types import Dataset, DatasetState, JobKind, JobState, Split
from worker import amounts, specs
from worker.datasets import money, quantities
from worker.evaluation import calibration, resemblance
from worker.evaluation.measures import MEASURES, USUAL
from worker.evaluation.metrics import errors
from worker.evaluation.resemblance import Resemblance
from worker.specs import BaseSpec

FEW = 30
"""Train rows with a price below which another dataset to learn from is proposed."""

_READ = 2_000  # rows of each table that are compared, evenly drawn
_LOOKED_AT = 20  # newest datasets that are compared


@dataclass(frozen=True, slots=True)
class Proposal:
    """The dataset that a table resembles most."""

    source: Dataset
    shares: Resemblance

    def sentence(self, dataset: Dataset) -> str:
        """Why it is proposed."""
        few = dataset.splits.get(Split.TRAIN, 0)
        has = "no rows with a price" if not few else f"only {few} rows with a price"
        return (
            f"{dataset.name} has {has} to learn from. The dataset that it resembles most is {self.source.id}: "
            f"{self.shares.sentence(self.source.name)}."
        )


def propose(dataset_id: int) -> Proposal | None:
    """The dataset to learn from where a table's own train rows are too few; None: they are enough, or none resembles
    it."""
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        if dataset.splits.get(Split.TRAIN, 0) >= FEW:
            return None
        own = datasets.sampled(session, dataset_id, _READ)
        known = [
            Proposal(each, resemblance.of(own, datasets.sampled(session, each.id, _READ, Split.TRAIN)))
            for each in possible(session, dataset_id)[:_LOOKED_AT]
            if each.splits[Split.TRAIN] >= FEW
        ]
    best = max(known, key=lambda each: (each.shares.score, each.source.id), default=None)
    return best if best and best.shares.score >= resemblance.LEAST else None


def possible(session: Session, dataset_id: int) -> list[Dataset]:
    """The other datasets that something can be learned from, newest first; none that holds the table's own rows, none
    with prices in another currency, and for real products none that is made up."""
    dataset = datasets.get(session, dataset_id)
    is_synthetic = dataset.is_synthetic
    return [
        each
        for each in datasets.all(session)
        if dataset_id not in (each.id, *each.joined_from)
        and each.state is DatasetState.READY
        and each.archived_at is None
        and (is_synthetic or not each.is_synthetic)
        and (each.currency == dataset.currency or not (each.currency and dataset.currency))
        and each.splits.get(Split.TRAIN, 0)
    ]


def caution(source: Dataset, dataset: Dataset | None = None) -> str:
    """What to know of a source before a dataset is priced from it: that it is too small to teach much, and that the
    currency of one of them is unknown; else ""."""
    rows = source.splits.get(Split.TRAIN, 0)
    said = []
    if rows < FEW:
        said.append(
            f"{source.name} has only {amounts.count(rows, 'row')} with a price to learn from: expect little of prices "
            "that rest on so few."
        )
    if dataset and money.has_its_own(dataset):
        said.append(money.differing(dataset, source))
    return " ".join(filter(None, said))


@dataclass(frozen=True, slots=True)
class Best:
    """The technique that did best on a source's validation rows."""

    spec: BaseSpec
    sentence: str


def best(source: Dataset) -> Best:
    """The technique, of those that jobs of a dataset ran, that was least wrong on its calibration rows, which no fit
    looked at. Raises NotReady where none did."""
    measure = MEASURES[USUAL]
    found: dict[BaseSpec, float] = {}
    with begin() as session:
        for job in jobs.all(session, source.id, JobKind.PRICE):
            if job.state is not JobState.DONE or job.source_id is not None:
                continue
            with suppress(UserError):  # stored by an earlier version, whose technique had other settings
                spec = specs.parse(job.spec)
                part = artifacts.part(session, datasets.fit_hash(source, spec.fit_key), calibration.PART)
                answers = quantities.to_rows(session, source, source.id, calibration.read(part))
                figure = errors(answers).select(measure.aggregate).item() if part else None
                if figure is not None:
                    found[spec] = figure
    if not found:
        raise NotReady(
            f"Nothing was priced in {source.name} that says how well it does; name a technique, or price its test rows "
            "first."
        )
    spec = min(found, key=lambda each: found[each])
    among = f"the least of {len(found)} techniques that were run there" if len(found) > 1 else "the only one run there"
    return Best(
        spec,
        f"{specs.describe(spec)} is taken: {measure.short.lower()} {measure.written(found[spec])} on validation rows "
        f"of {source.name}, {among}.",
    )
