"""Jobs side by side: what each costs and how wrong it is, on the rows that all of them priced."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import polars as pl

from db import adapters, datasets, jobs, predictions
from db.engine import begin
from db.errors import UserError
from db.types import Job, JobState, Split
from worker import adapting, bounding, specs
from worker.evaluation import compare, context_curve


def comparable(every: Sequence[Job]) -> list[int]:
    """The finished jobs that measured something, one per spec: the one with most rows, the newest of equals."""
    best: dict[str, Job] = {}
    for job in sorted(every, key=lambda job: (job.items_total, job.id)):
        if job.state is JobState.DONE and job.split is not Split.UNPRICED:
            best[job.spec_hash] = job
    return [job.id for job in best.values()]


def of_jobs(job_ids: Sequence[int]) -> list[dict[str, Any]]:
    """One dict per job that has measurable rows, best MAE first, with the figures and verdict of `compare.table`; note:
    what a job that brought nothing says about it."""
    if not job_ids:
        return []
    with begin() as session:
        chosen = {job.id: job for job in jobs.all(session) if job.id in set(job_ids)}
        frame = predictions.of_jobs(session, list(chosen)).filter(pl.col("truth").is_not_null())
        forms = {adapter.id: adapter.form for adapter in adapters.all(session)}
        unknown = adapting.unknown_costs(session)
    if frame.is_empty():
        return []
    rows = []
    for line in compare.table(frame).sort("mae", nulls_last=True).iter_rows(named=True):
        job = chosen[line["job_id"]]
        spec = specs.parse(job.spec)
        head = {"job": job.id, "technique": job.technique, "label": spec.label, "family": str(spec.family)}
        head["description"] = specs.describe(spec, forms.get(job.spec.get("adapter", ""), ""))
        fixed_usd = None if job.spec.get("adapter") in unknown else float(job.fixed_usd)  # None: nobody knows
        told = {"spec": job.spec, "fixed_usd": fixed_usd, "lost_usd": float(job.lost_usd), "note": job.error}
        rows.append(head | told | line)
    return rows


def cautions(job_ids: Sequence[int]) -> list[str]:
    """Sentences about prices that the jobs' techniques can't say, on the tables that they price."""
    said: list[str] = []
    with begin() as session:
        for job in (jobs.get(session, job_id) for job_id in job_ids):
            with suppress(UserError):  # stored by an earlier version, whose technique had other settings
                spec = specs.parse(job.spec)
                said.append(bounding.caution(session, datasets.get(session, job.dataset_id), spec))
    return list(dict.fromkeys(filter(None, said)))


def curve(job_ids: Sequence[int]) -> dict[str, Any]:
    """What more examples or neighbours bring: `rows` (context_curve.COLUMNS, by k) and a `sentence`.

    The jobs differ in k only. Raises NotFound for a job that is not there.
    """
    with begin() as session:
        chosen = [jobs.get(session, job_id) for job_id in job_ids]
        frame = predictions.of_jobs(session, list(job_ids)).filter(pl.col("truth").is_not_null())
    compared = compare.table(frame)
    lines = context_curve.curve(
        compared,
        ks={job.id: int(job.spec["k"]) for job in chosen},
        prompt_tokens=dict(compared.select("job_id", "tokens_in").iter_rows()),
    )
    what = "neighbours" if chosen and chosen[0].technique == "rag" else "examples"
    return {"rows": lines.to_dicts(), "sentence": context_curve.sentence(lines, what)}
