"""All that was measured on a dataset, gathered for the Advisor: figures of runs, curves, gates, a knowledge base."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import polars as pl

from db import adapters, datasets, job_progress, jobs, results
from db.engine import Session
from db.errors import UserError
from db.job_progress import JobProgress
from db.knowledge import bases
from db.types import Adapter, Dataset, Family, Freshness, Job, JobKind, JobState
from worker import amounts, specs
from worker.adapters import pricing
from worker.evaluation import compare, context_curve
from worker.evaluation.measures import USUAL
from worker.pricing import comparison, kept, repeats
from worker.pricing.kept import Comparison, Part
from worker.specs import BaseSpec

FAMILIES = (Family.PROMPT, Family.RAG, Family.FINETUNE, Family.BASELINE)
"""Lines of the table, in this order."""


@dataclass(frozen=True)
class Curve:
    """How the error fell with more examples or neighbours."""

    family: Family
    what: str  # "examples" or "neighbours"
    jobs: Mapping[int, int]  # job -> k
    lines: pl.DataFrame  # context_curve.COLUMNS
    sentence: str

    @property
    def worth_more(self) -> set[int]:
        """The jobs that more rows may be worth for: the one with the least error, and the shortest that is enough."""
        known = self.lines.drop_nulls(USUAL).sort(USUAL)
        return {int(job_id) for job_id in [*known["job_id"].head(1), *([self.enough["job_id"]] if self.enough else [])]}

    @property
    def enough(self) -> dict[str, Any] | None:
        """The line from which on more was not shown to help; None where too little was priced."""
        lines = self.lines.filter("is_enough")
        return None if lines.is_empty() else lines.row(0, named=True)


@dataclass(frozen=True)
class Evidence:
    """What is known of one dataset."""

    dataset: Dataset
    jobs: Mapping[int, Job]  # every finished run that priced test rows
    specs: Mapping[int, BaseSpec]  # of those; without what only an earlier version can read
    names: Mapping[int, str]
    weighted_by: str  # the column that errors are weighted by; "": none
    compared: Sequence[int]  # those of the runs that are compared
    again: Mapping[int, int]  # another run of a technique -> the first one of the same settings, compared or not
    table: pl.DataFrame  # compare.table of the compared ones, runs of one technique merged
    heads: Mapping[Family, int]  # of each family the run with the least error
    counts: Mapping[Family, int]  # how many runs of it were compared
    progress: Mapping[int, JobProgress]
    unknown_fixed: frozenset[int]  # jobs of which nobody knows what their learning cost
    pricing_seconds: Mapping[int, float]  # job -> from the first row's start to the last row's end
    hardest: Mapping[int, dict[str, Any]]  # head -> the line of its worst slice, with how many there are
    curves: Sequence[Curve]
    adapters: Sequence[Adapter]  # made from this dataset, newest first
    freshness: Freshness | None  # None: there is no knowledge base
    refreshed_at: datetime | None
    index_job: int | None
    data_need: Job | None  # the newest finished one
    data_need_result: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def line(self, job_id: int | None) -> dict[str, Any] | None:
        """A job's figures in the comparison."""
        lines = self.table.filter(pl.col("job_id") == job_id) if job_id is not None else self.table.clear()
        return None if lines.is_empty() else lines.row(0, named=True)

    @property
    def rows(self) -> int:
        return int(self.table["n"].max() or 0) if len(self.table) else 0  # type: ignore[arg-type]

    @property
    def lead(self) -> dict[str, Any] | None:
        """The line of the run that is ahead of all, of whatever family."""
        return self.table.row(0, named=True) if self.rows else None

    @property
    def level(self) -> float:
        return compare.level_of(self.table)

    def is_tried(self, technique: str) -> bool:
        """Whether it was run on what the table itself teaches."""
        return any(job.technique == technique and job.source_id is None for job in self.jobs.values())

    def first_run(self, job_id: int) -> int:
        """The first run with the settings of this one, whatever chance decided."""
        return self.again.get(job_id, job_id)

    def runs(self, job_id: int) -> list[int]:
        """The runs with the settings of this one that stand beside it: compared like it, or on as many rows."""
        is_compared, rows = job_id in self.compared, self.jobs[job_id].items_total
        return [
            other
            for other, job in self.jobs.items()
            if self.first_run(other) == self.first_run(job_id)
            and (other in self.compared if is_compared else other not in self.compared and job.items_total == rows)
        ]

    def adapter(self, job_id: int | None) -> Adapter | None:
        """The adapter that a run priced with, else the newest one that was made from the dataset."""
        number = "" if job_id is None else str(self.jobs[job_id].spec.get("adapter", ""))
        own = next((each for each in self.adapters if each.id == number), None)
        return own or next(iter(self.adapters), None)


class Runs(NamedTuple):
    """The finished runs that priced test rows of a dataset."""

    known: dict[int, Job]
    specs: dict[int, BaseSpec]  # of those; without what only an earlier version can read
    compared: list[int]


def runs(session: Session, dataset_id: int) -> Runs:
    """Raises NotFound."""
    dataset = datasets.get(session, dataset_id)
    every = comparison.comparable(jobs.all(session, dataset_id, JobKind.PRICE))
    parsed: dict[int, BaseSpec] = {}
    for job in every:
        with suppress(UserError):  # stored by an earlier version, whose technique had other settings
            parsed[job.id] = specs.parse(job.spec)
    known = {job.id: job for job in every if job.id in parsed}
    return Runs(known, parsed, comparison.of_like_size(known, comparison.taken(dataset, list(known.values()))))


def gather(session: Session, dataset_id: int) -> Evidence:
    """Everything the Advisor goes by. Raises NotFound."""
    known, parsed, compared = runs(session, dataset_id)
    dataset = datasets.get(session, dataset_id)
    made = kept.Comparison(compared)
    table = made.part("table")
    trained = adapters.all(session)
    families = {job_id: parsed[job_id].family for job_id in table["job_id"]}
    heads: dict[Family, int] = {}
    for job_id in table["job_id"]:  # the one ahead first, those that answered too little last
        heads.setdefault(families[job_id], job_id)
    base = bases.of(session, dataset_id)
    fixed = dict(zip(compared, pricing.fixed_usd(session, [known[each] for each in compared]), strict=True))
    data_need = next((j for j in jobs.all(session, dataset_id, JobKind.DATA_NEED) if j.state is JobState.DONE), None)
    index = next((j for j in jobs.all(session, dataset_id, JobKind.INDEX) if j.state is JobState.DONE), None)
    return Evidence(
        dataset=dataset,
        jobs=known,
        specs=parsed,
        names=compare.with_runs(table, comparison.labels(session, list(known.values()))),
        weighted_by=made.weighted_by,
        compared=compared,
        again=repeats.heads(list(known.values()), trained),
        table=table,
        heads=heads,
        counts={family: sum(each is family for each in families.values()) for family in Family},
        progress={each.job_id: each for each in job_progress.of(session, compared)},
        unknown_fixed=frozenset(job_id for job_id, usd in fixed.items() if usd is None),
        pricing_seconds=job_progress.pricing_seconds(session, compared),
        hardest=_hardest(made, [heads[family] for family in FAMILIES if family in heads]),
        curves=[_curve(known, ks, parsed) for ks in comparison.curves(list(known.values()))],
        adapters=[each for each in trained if each.dataset_id == dataset_id],
        freshness=bases.freshness(session, base.id) if base else None,
        refreshed_at=base.refreshed_at if base else None,
        index_job=index.id if index else None,
        data_need=data_need,
        data_need_result=(results.get(session, data_need.id) or {}) if data_need else {},
    )


_CUTS: Mapping[Part, str] = {"by category": "category", "by band": "price band"}
PARTS: Sequence[Part] = ("table", *_CUTS)
"""What the Advisor takes of the comparison of all runs."""


def _hardest(made: Comparison, heads: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Job -> the line of the category that it errs most in, or, with fewer than two that are large enough, of the
    price band: slice, n, mae with its interval; slices: how many could be measured; kind: what they are."""
    for part, kind in _CUTS.items() if heads else ():
        lines = made.part(part).filter(pl.col("job_id").is_in(list(heads))).drop_nulls(f"{USUAL}_low")
        if lines["slice"].n_unique() >= 2:
            worst = lines.sort(USUAL, descending=True).group_by("job_id", maintain_order=True).agg(pl.all().first())
            sizes = dict(lines.group_by("job_id").len().iter_rows())
            return {
                line["job_id"]: line | {"slices": sizes[line["job_id"]], "kind": kind}
                for line in worst.iter_rows(named=True)
            }
    return {}


def _curve(known: Mapping[int, Job], ks: dict[int, int], parsed: Mapping[int, BaseSpec]) -> Curve:
    made = kept.Comparison(list(ks))
    compared = made.part("table")
    lines = context_curve.curve(compared, ks, dict(compared.select("job_id", "tokens_in").iter_rows()))
    first = next(iter(ks))
    what = comparison.counted(known[first].technique)
    rows = amounts.count(int(compared["n"].max() or 0), "test row")  # type: ignore[arg-type]
    said = f"On {rows}: {context_curve.sentence(lines, what)}{comparison.weighed(made.weighted_by, USUAL)}"
    return Curve(parsed[first].family, what, ks, lines, said)
