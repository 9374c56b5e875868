"""The gate step: measures a fine-tune's adapter against what was there before it, and keeps the report."""

import time

from db import adapters, chunks, completions, jobs, rates, results
from db.engine import Session, begin
from db.errors import NotReady
from db.job_results import TrainingResult
from db.settings import settings
from db.types import Adapter, Job
from worker.adapters import gate_parts, gate_rows
from worker.evaluation.gate import judge
from worker.progress import Aside
from worker.work import Commit, Work


def gate(work: Work) -> Commit:
    """Measure the job's adapter against its base and against the adapter in production."""
    job, progress = work.job, Aside(work.progress)  # the optimiser's items are what counts as done
    started = time.perf_counter()
    with begin() as session:
        adapter = _adapter(session, job)
        rival = _rival(session, adapter)
        priced = [gate_rows.others(session, adapter), gate_rows.previous(session, adapter, rival)]

    parts = [*gate_parts.language(adapter, progress), *(gate_parts.prices(part, progress) for part in priced)]
    seconds = time.perf_counter() - started

    report = judge(parts, settings().gate_worsening, settings().gate_confidence, rival.id if rival else "").as_json()
    result = TrainingResult(adapter=adapter.id, metrics=adapter.metrics, gate_report=report)

    def commit(session: Session) -> chunks.Tally:
        adapters.set_gate_report(session, adapter.id, report)
        before = TrainingResult.parse(results.get(session, job.id) or {}).spent_usd
        results.put(session, job.id, result.as_json())
        # Since the training ended, by every try of this step.
        books = jobs.get(session, job.id)
        paid = books.spent_usd - books.lost_usd - before
        is_known = not completions.has_unpriced(session, job.id)
        jobs.add_fixed_cost(session, job.id, seconds, rates.of_work(job, seconds) + paid, is_known=is_known)
        return chunks.Tally(usd=paid)

    return commit


def _adapter(session: Session, job: Job) -> Adapter:
    """The one that the job trained or was asked to measure. Raises NotReady, NotFound where it is gone."""
    wanted = job.spec.get("adapter")
    adapter = adapters.get(session, wanted) if wanted else adapters.of_job(session, job.id)
    if adapter is not None:
        return adapter
    same = TrainingResult.parse(results.get(session, job.id) or {}).adapter  # of an earlier job, which keeps them
    if not same:
        raise NotReady("The adapter of this training is gone; start the training again.")
    return adapters.get(session, same)


def _rival(session: Session, adapter: Adapter) -> Adapter | None:
    """The adapter of its task that is in production, if that is another."""
    rival = adapters.in_production(session, adapter.task)
    return rival if rival and rival.id != adapter.id else None
