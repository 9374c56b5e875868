"""What is known of a comparison: all figures of a report, read once."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from dashboard.parts.report import content
from dashboard.shared import labels, words
from db import adapters, datasets, jobs
from db.engine import begin
from db.errors import NotReady
from db.types import Dataset, Job
from worker import amounts
from worker.advisor import actions as advisor_actions
from worker.advisor.advice import Advice
from worker.datasets import money
from worker.evaluation import choice, compare
from worker.evaluation.choice import Limits
from worker.evaluation.measures import DECIDING, Measure
from worker.pricing import comparison, comparison_jobs, kept, repeats
from worker.pricing.kept import Part


@dataclass(frozen=True, slots=True)
class Facts:
    dataset: Dataset
    jobs: Sequence[Job]  # that are compared
    error: Measure  # that the verdict is about
    limits: Limits
    names: Mapping[int, str]  # job id -> technique
    table: pl.DataFrame  # compare.COLUMNS, label, family, fixed_usd, fixed_seconds, frontier_odds; the one ahead first
    pairs: pl.DataFrame  # compare.PAIRS
    by_category: pl.DataFrame  # compare.COLUMNS, slice, order
    by_band: pl.DataFrame
    coverage: pl.DataFrame  # coverage.COLUMNS, of all rows
    coverage_by_band: pl.DataFrame
    weighted_by: str  # the column that errors are weighted by; "" = none
    choices: Sequence[str]  # a sentence for each limit
    cautions: Sequence[str]
    combined: Mapping[int, Mapping[str, Any]]  # job id -> worker.pricing.comparison.COMBINATION
    once: Sequence[int]  # jobs that another run could change, and that were run once
    advice: Advice  # of all runs on the dataset
    made_at: datetime

    @property
    def rows(self) -> int:
        """Test rows that all were compared on."""
        return int(self.table["n"][0])

    @property
    def level(self) -> float:
        return compare.level_of(self.table)


def priced_as(job_ids: Sequence[int]) -> AbstractContextManager[None]:
    """Prices in a report of these jobs are written in the currency of their dataset, wherever it is made."""
    if not job_ids:
        return amounts.written_in(amounts.BARE)
    with begin() as session:
        return amounts.written_in(money.of_job(session, jobs.get(session, job_ids[0])))


def gather(job_ids: Sequence[int], measure: str, limits: Limits, *, weighted: bool = True) -> Facts:
    """The facts about finished jobs of one dataset, judged by a key of DECIDING; weighted: by the table's column of
    weights, where there is one. Raises NotReady without anything to compare."""
    rows = {row["job_id"]: row for row in comparison.of_jobs(job_ids, measure, weighted=weighted)}
    if not rows:
        raise NotReady("Nothing is priced yet whose true price is known; price the test rows with a technique first.")
    with begin() as session:
        chosen = [jobs.get(session, job_id) for job_id in job_ids]
        dataset = datasets.get(session, chosen[0].dataset_id)
        trained = adapters.all(session)
        advice = advisor_actions.advice(session, dataset.id)
    forms = {adapter.id: adapter.form for adapter in trained}
    names = labels.unique(
        {job.id: words.job_name(job, forms.get(str(job.spec.get("adapter", "")), "")) for job in chosen}, number="job"
    )
    names = {job_id: names[job_id] for job_id in (*rows, *names)}  # the one ahead first, in charts too
    names |= {job_id: f"{names[job_id]} ({row['repeats']} runs)" for job_id, row in rows.items() if row["repeats"] > 1}
    table = _table(list(rows.values()), {job.id: job for job in chosen}, names)
    made = kept.Comparison(job_ids, weighted=weighted)
    marks = {job_id: content.mark(job_id) for job_id in names}
    return Facts(
        dataset=dataset,
        jobs=chosen,
        error=DECIDING[measure],
        limits=limits,
        names=names,
        table=table,
        pairs=made.part("every pair", measure),
        by_category=made.part("by category", measure),
        by_band=made.part("by band", measure),
        coverage=made.part("coverage"),
        coverage_by_band=made.part("coverage by band"),
        weighted_by=made.weighted_by,
        choices=[
            choice.sentence(each, table, limits, marks, by=measure) + comparison.weighed(made.weighted_by, measure)
            for each in choice.choices(table, made.gaps(measure), limits, by=measure)
        ],
        cautions=comparison.cautions(job_ids),
        combined=comparison.combinations(job_ids),
        once=[job.id for job in chosen if rows.get(job.id, {}).get("repeats") == 1 and repeats.is_by_chance(job)],
        advice=advice,
        made_at=datetime.now(UTC),
    )


def demand(job_ids: Sequence[int], measure: str, limits: Limits, *, weighted: bool = True) -> None:
    """Nothing where `gather` takes a moment. Raises BeingMade where a worker first compares many predictions."""
    made = kept.Comparison(job_ids, weighted=weighted)
    parts: list[Part] = [*kept.JUDGED, "coverage", "coverage by band", *map(kept.APART.__getitem__, limits.questions())]
    comparison_jobs.demand(made, *((part, measure) for part in parts))
    if made.jobs:
        with begin() as session:
            advisor_actions.demand(session, made.jobs[0].dataset_id)


def _table(rows: Sequence[Mapping[str, Any]], known: Mapping[int, Job], names: Mapping[int, str]) -> pl.DataFrame:
    kinds = compare.COLUMNS | {"family": pl.String, "fixed_usd": pl.Float64, "frontier_odds": pl.Float64}
    lines = [{name: row[name] for name in kinds} for row in rows]
    return pl.DataFrame(lines, schema=kinds).with_columns(
        label=pl.col("job_id").replace_strict(dict(names), return_dtype=pl.String),
        fixed_seconds=pl.col("job_id").replace_strict(
            {job_id: job.fixed_seconds for job_id, job in known.items()}, return_dtype=pl.Float64
        ),
    )
