"""What is found when a job learned from another dataset: what that never had, copies of it, and whether it kept what
it promised."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from db import artifacts, datasets, jobs, predictions, results
from db.engine import Session, begin
from db.job_results import ElsewhereResult, Unknown
from db.settings import settings
from db.types import Artifact, Dataset, Job, JobKind, JobState, Split
from worker import amounts, specs
from worker.datasets import quantities
from worker.evaluation import calibration, leakage, novelty, promise
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import source_texts
from worker.progress import Progress
from worker.specs import BaseSpec

RESULT = "elsewhere"
"""In a job's results: an ElsewhereResult."""

_PART = "found.json"
_FORM = "elsewhere 2"
_NAMED = 3  # values named in a sentence
_KEPT = 20  # values of a column that are kept


def look(job: Job, spec: BaseSpec, progress: Progress) -> ElsewhereResult | None:
    """What setting the job's table beside its source shows; None for a job that learned from its own."""
    if job.source_id is None:
        return None
    with begin() as session:
        table, source = datasets.get(session, job.dataset_id), datasets.get(session, job.source_id)
        stored = artifacts.part(session, _hash(source, table), _PART)
    found = ElsewhereResult.model_validate_json(stored) if stored else _compared(table, source, progress)
    return found.model_copy(update={"promise": _promise(job, source, spec, found.copies)})


def keep(session: Session, job: Job, found: ElsewhereResult) -> None:
    """Keep what is the same for all jobs with the same table and source."""
    table, source = datasets.get(session, job.dataset_id), datasets.get(session, job.learned_from)
    plain = found.model_copy(update={"promise": None}).model_dump_json().encode()
    artifacts.put(session, _hash(source, table), table.id, Artifact({_PART: plain}), 0.0)


def _hash(source: Dataset, table: Dataset) -> str:
    return datasets.fit_hash(source, f"{_FORM} {datasets.fingerprint(table)}")


def _compared(table: Dataset, source: Dataset, progress: Progress) -> ElsewhereResult:
    """Values that the source's train side does not have, and rows that are copies of rows that it learned from."""
    with begin() as session:
        own = datasets.items(session, table.id)
    progress.advance(0)
    known = source_texts.of(source)
    progress.advance(0)
    copies = known.items.copies(own).sort("row")
    unknown = {}
    for column in source_texts.COLUMNS:
        values = novelty.unknown(known.values[column], own, column)
        unknown[column] = Unknown(
            rows=int(values["rows"].sum()), values=len(values), most=tuple(values.head(_KEPT).iter_rows())
        )
    return ElsewhereResult(
        rows=len(own),
        unknown=unknown,
        copies=tuple(copies["row"].to_list()),
        same=int((copies["kind"] == leakage.SAME).sum()),
    )


def _promise(job: Job, source: Dataset, spec: BaseSpec, copies: Sequence[int]) -> dict[str, Any] | None:
    """worker.evaluation.promise.Kept of each measure, and `on`: the source's rows that the promise was made on; None
    without prices on either side. Copies of known rows are left out: they say nothing of others."""
    with begin() as session:
        here = predictions.of_jobs(session, [job.id])
        promised, on = _promised(session, job, source, spec)
    here = here.filter(pl.col("truth").is_not_null(), ~pl.col("row").is_in(list(copies)))
    if here.is_empty() or promised.is_empty():
        return None
    level = settings().confidence
    kept = {by: asdict(promise.kept(promised, here, by, level)) for by in DECIDING}
    return {"on": on, "level": level, "measures": kept}


def _promised(session: Session, job: Job, source: Dataset, spec: BaseSpec) -> tuple[pl.DataFrame, str]:
    """What the same technique answered on the source's test rows, where a job priced those; else on the validation rows
    that calibrate it, which its fit did not look at."""
    measured = [
        each
        for each in jobs.all(session, source.id, JobKind.PRICE)
        if each.fit_key == job.fit_key and each.source_id is None and each.state is JobState.DONE
        and each.split in (Split.TEST, None)
    ]  # fmt: skip
    if measured:
        most = max(measured, key=lambda each: (each.items_total, each.id))
        frame = predictions.of_jobs(session, [most.id]).filter(pl.col("truth").is_not_null())
        if len(frame):
            return frame, "test rows"
    frame = calibration.read(artifacts.part(session, datasets.fit_hash(source, spec.fit_key), calibration.PART))
    frame = quantities.to_rows(session, source, source.id, frame)
    groups = datasets.groups(session, source.id, frame["row"].to_list())
    return frame.join(groups, on="row", how="inner", maintain_order="left"), "validation rows"


_BY_WORDS = "They were looked for by their words, not by meaning: a product told in other words is not found so."


def sentences(session: Session, job: Job) -> list[str]:
    """What to beware of in a finished job that learned from another dataset; [] for others."""
    found = _found(session, job)
    if found is None:
        return []
    said = [_unknown(found, column, job) for column in source_texts.COLUMNS if found.unknown[column].rows]
    if found.copies:
        are = "is a copy or near-copy" if len(found.copies) == 1 else "are copies or near-copies"
        left_out = "; the comparison with what was promised leaves them out" if found.promise else ""
        said.append(
            f"{amounts.count(len(found.copies), 'row')} of {found.rows:,} {are} of rows of {job.source_name} with a "
            f"known price ({found.same:,} the same, {len(found.copies) - found.same:,} nearly){left_out}. {_BY_WORDS}"
        )
    else:
        said.append(f"No row is a copy or near-copy of a row of {job.source_name} with a known price. {_BY_WORDS}")
    if found.promise and _usual(found.promise).is_broken:
        said.append(_compared_with(found.promise, job))
    return said


def promised(session: Session, job: Job) -> str:
    """How the error of a finished job that learned from another dataset compares with what was promised, where that was
    not broken; "" else."""
    found = _found(session, job)
    if found is None or not found.promise or _usual(found.promise).is_broken:
        return ""
    return _compared_with(found.promise, job)


def _found(session: Session, job: Job) -> ElsewhereResult | None:
    stored = (results.get(session, job.id) or {}).get(RESULT)
    return ElsewhereResult.parse(stored) if stored else None


def _unknown(found: ElsewhereResult, column: str, job: Job) -> str:
    one = found.unknown[column]
    named = ", ".join(f"{value} ({rows:,})" for value, rows in one.most[:_NAMED])
    more = f" and {one.values - _NAMED:,} more" if one.values > _NAMED else ""
    have = "has" if one.rows == 1 else "have"
    return (
        f"{amounts.count(one.rows, 'row')} of {found.rows:,} {have} a {column} that the rows learned from in "
        f"{job.source_name} never had: {named}{more}."
    )


def _usual(told: dict[str, Any]) -> promise.Kept:
    return promise.Kept(**told["measures"][USUAL])


def _compared_with(told: dict[str, Any], job: Job) -> str:
    kept = _usual(told)
    measure = DECIDING[USUAL]
    return (
        f"{specs.parse(job.spec).label}, job {job.id}: {measure.short.lower()} {measure.written(kept.here)} on "
        f"{amounts.count(kept.rows, 'row')} with a price, {measure.written(kept.promised)} on "
        f"{kept.promised_rows:,} {told['on']} of {job.source_name}: {kept.sentence()}."
    )
