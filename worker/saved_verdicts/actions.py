"""Every verb about saved verdicts, for pages and the command line alike: save, list, forget, recheck."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from db import access, datasets, jobs, results, saved_verdicts
from db.engine import Session, begin
from db.errors import NotFound, NotReady
from db.job_results import RecheckedVerdict, RecheckResult
from db.types import Dataset, Job, JobKind, JobState, Queue, SavedVerdict, Step, Verb
from worker import app, specs
from worker.datasets.actions import ready
from worker.endpoints import tariffs
from worker.evaluation.choice import Limits
from worker.evaluation.measures import USUAL
from worker.pricing import comparison
from worker.saved_verdicts import facts, needs, sentences
from worker.saved_verdicts.facts import Facts, Line, Prices


def save(
    dataset_id: int,
    job_ids: Sequence[int],
    measure: str = USUAL,
    limits: Limits | None = None,
    *,
    weighted: bool = True,
) -> list[SavedVerdict]:
    """Keep what these finished jobs support: the most accurate technique, or where limits are set the choice of each of
    them. weighted: as worker.pricing.comparison.of_jobs. Raises NotReady where there is nothing to choose."""
    limits = limits or Limits()
    rows = comparison.of_jobs(job_ids, measure, weighted=weighted)
    lines = {row["job"]: row for row in rows}
    if limits.questions():
        answers = comparison.choose(job_ids, limits, measure, weighted=weighted)
        chosen = [(each["question"], each["job"], each["sentence"]) for each in answers if each["job"] is not None]
        if not chosen:
            raise NotReady("No technique keeps these limits, so there is no choice to save; loosen them.")
    else:
        lead = next((row for row in rows if row["verdict"] is not None), None)
        if lead is None:
            raise NotReady("No technique has a readable answer for a test row with a known price; price more rows.")
        chosen = [("most accurate", lead["job"], sentences.lead(rows, measure))]
    with begin() as session:
        dataset = ready(session, dataset_id)
        access.act(session, Verb.SAVE_VERDICT, dataset, measure=measure, jobs=", ".join(map(str, job_ids)))
        compared = [_line(session, jobs.get(session, job_id), row, measure) for job_id, row in lines.items()]
        return [_kept(session, dataset, job_ids, compared, each, rows[0], measure, limits) for each in chosen]


def _line(session: Session, job: Job, row: dict[str, Any], measure: str) -> Line:
    return Line(
        job=job.id,
        label=row["description"],
        spec=job.spec,
        spec_hash=job.spec_hash,
        verdict=row["verdict"],
        error=row[measure],
        low=row[f"{measure}_low"],
        high=row[f"{measure}_high"],
        usd_per_1000=row["usd_per_1000"],
        p50_ms=row["p50_ms"],
        usd_per_hour=job.rate_usd_per_hour,
        source=job.source_id,
        source_fingerprint=job.source_fingerprint,
        tariffs={ref: _tariff_then(session, ref, job) for ref in needs.models(specs.parse(job.spec))},
    )


def _tariff_then(session: Session, ref: str, job: Job) -> Prices | None:
    """What the figures rest on: the tariff when the job ended."""
    endpoint, model = needs.endpoint_of(session, ref)
    return facts.prices(tariffs.find(session, endpoint, model, job.finished_at)) if endpoint else None


def _kept(
    session: Session, dataset: Dataset, job_ids: Sequence[int], compared: list[Line], chosen: tuple[str, int, str],
    first: dict[str, Any], measure: str, limits: Limits,
) -> SavedVerdict:  # fmt: skip
    question, job_id, sentence = chosen
    job = jobs.get(session, job_id)
    spec = specs.parse(job.spec)
    models = needs.models(spec)
    found = [(ref, *needs.endpoint_of(session, ref)) for ref in models]
    made = Facts.model_validate(
        {
            "question": question,
            "error_limit": limits.error,
            "usd_limit": limits.usd_per_1000,
            "ms_limit": limits.ms,
            "measure": measure,
            "level": comparison.level(),
            "job": job_id,
            "sentence": sentence,
            "rows": first["n"],
            "weighted_by": first["weighted_by"],
            "jobs": tuple(job_ids),
            "lines": tuple(compared),
            "models": tuple(models),
            "listed": tuple(ref for ref, endpoint, model in found if endpoint and endpoint.model(model).is_listed),
            "retired": tuple(needs.retired(session, spec)),
            "knowledge": needs.knowledge(session, job.learned_from, spec),
            "dataset": dataset.name,
            "fingerprint": datasets.fingerprint(dataset),
        }
    )
    return saved_verdicts.add(session, dataset.id, made.model_dump(mode="json"), needs.best_before(session, models))


def kept(dataset_id: int | None = None) -> list[SavedVerdict]:
    """The saved verdicts on a dataset, or all; the newest first."""
    with begin() as session:
        return saved_verdicts.all(session, dataset_id)


def forget(verdict_id: int) -> None:
    """Forget a saved verdict. Raises NotFound."""
    with begin() as session:
        access.act(session, Verb.FORGET_VERDICT, saved_verdicts.get(session, verdict_id))
        saved_verdicts.delete(session, verdict_id)


def best_before(verdict: SavedVerdict) -> date | None:
    """The day on which the first model that the choice needs is gone, as far as is known by now."""
    with begin() as session:
        known = needs.best_before(session, facts.parse(verdict.facts).models)
    return known or verdict.best_before


def recheck(dataset_id: int, verdict_ids: Sequence[int] = ()) -> int:
    """Look whether saved verdicts on a dataset still hold; the job's id. Without numbers: all of them.

    Raises NotReady where none is saved, NotFound for one that is not the dataset's.
    """
    with begin() as session:
        known = [verdict.id for verdict in saved_verdicts.all(session, dataset_id)]
        if not known:
            name = datasets.get(session, dataset_id).name
            raise NotReady(f"No verdict is saved on {name}; save one on the Trade-offs page, or with choose --save.")
        if strange := [each for each in verdict_ids if each not in known]:
            raise NotFound(
                f"Dataset {dataset_id} has no saved verdict {strange[0]}; `pricewright verdicts` lists them."
            )
        return app.start_job(
            session,
            kind=JobKind.RECHECK,
            dataset_id=dataset_id,
            queue=Queue.CPU,
            chunks=[(Step.RECHECK, [])],
            spec={"verdicts": sorted(verdict_ids or known)},
        )


def report(job_id: int) -> RecheckResult | None:
    """What a recheck found; None while it is at work."""
    with begin() as session:
        stored = results.get(session, job_id)
    return RecheckResult.parse(stored) if stored else None


def latest(dataset_id: int) -> dict[int, tuple[Job, RecheckedVerdict]]:
    """Saved verdict -> its newest recheck that ended, and what that found."""
    found: dict[int, tuple[Job, RecheckedVerdict]] = {}
    with begin() as session:
        for job in sorted(jobs.all(session, dataset_id, JobKind.RECHECK), key=lambda job: job.id):
            stored = results.get(session, job.id) if job.state is JobState.DONE else None
            for each in RecheckResult.parse(stored).verdicts if stored else ():
                found[each.verdict] = (job, each)
    return found


def under_way(dataset_id: int) -> list[Job]:
    """The rechecks of a dataset's saved verdicts that have not ended."""
    with begin() as session:
        return [job for job in jobs.all(session, dataset_id, JobKind.RECHECK) if not job.state.is_final]
