"""The steps of an index job and of a search in the knowledge base.

An index job begins with one chunk without rows: it brings in the train side, applies a file of changes or a reference
dataset, and adds chunks whose `rows` are the ids of the stale items. Those chunks embed. Items that nobody changed are
in none of them.
"""

import time
from dataclasses import asdict
from typing import Any

import polars as pl

from db import chunks, datasets, jobs, rates, results
from db.engine import Session, begin
from db.errors import NotReady
from db.job_results import IndexResult
from db.knowledge import bases
from db.knowledge import changes as knowledge_changes
from db.settings import settings
from db.types import ITEM_SCHEMA, Job, SearchLimits, Step
from worker.ingest import knowledge_changes as ingest_knowledge_changes
from worker.knowledge import index as knowledge_index
from worker.progress import Progress
from worker.work import Commit, Work

CHUNK_ITEMS = 2_048  # about ten seconds of embedding on two cores


def index(work: Work) -> Commit:
    """Bring a knowledge base up to date: the first chunk says what is to be embedded, the others embed it."""
    return _embed(work.job, work.chunk.rows, work.progress) if work.chunk.rows else _prepare(work.job, work.progress)


def _prepare(job: Job, progress: Progress) -> Commit:
    signature = knowledge_index.embedder().signature
    changes, unreadable = _read(job.dataset_id, job.spec.get("changes"), progress)
    started = time.perf_counter()

    def commit(session: Session) -> chunks.Tally:
        base = bases.ensure(session, job.dataset_id, signature)
        synced = knowledge_changes.sync(session, base)
        outcome = synced
        if changes is not None:
            outcome = knowledge_changes.apply(session, base, changes)
            outcome.refuse("the line is no row of the table", unreadable)
        if job.spec.get("reference"):
            outcome = knowledge_changes.add_reference(session, base, job.spec["reference"])
        waiting = bases.stale(session, base.id)
        pieces = [waiting[start : start + CHUNK_ITEMS] for start in range(0, len(waiting), CHUNK_ITEMS)]
        chunks.add(session, job.id, Step.INDEX, pieces)
        jobs.set_total(session, job.id, len(waiting))
        result = IndexResult(**asdict(outcome), from_train=synced.added, to_embed=len(waiting))
        results.put(session, job.id, result.as_json())
        if not waiting:
            bases.mark_refreshed(session, base.id)
        seconds = time.perf_counter() - started
        jobs.add_fixed_cost(session, job.id, seconds, rates.of_work(job, seconds))
        return chunks.Tally()

    return commit


def _read(dataset_id: int, file: dict[str, Any] | None, progress: Progress) -> tuple[pl.DataFrame | None, int]:
    """The changes in the file of a job that has one (CHANGES_SCHEMA), and how many of its lines are no rows."""
    if not file:
        return None, 0
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
    known, decimals = dataset.mapping, dataset.inspection.get("decimals", {})
    path = settings().files_dir / file["sha256"]
    if not path.is_file():
        raise NotReady("The file of changes is gone; upload it again.")
    read = list(
        ingest_knowledge_changes.batches(
            path,
            file["name"],
            known,
            progress,
            removes=bool(file.get("removes")),
            said=file.get("decimal"),
            usual=decimals.get(known.get("price")),
            currency=dataset.currency,
            whose=dataset.name,
        )
    )
    frames = [each.frame for each in read]
    empty = pl.DataFrame(schema=knowledge_changes.CHANGES_SCHEMA)
    return pl.concat([empty, *frames]), sum(each.rejects for each in read)


def _embed(job: Job, ids: list[int], progress: Progress) -> Commit:
    with begin() as session:
        base = bases.of(session, job.dataset_id)
    started = time.perf_counter()
    if base is not None:
        knowledge_index.embed(base, ids, progress)
        knowledge_index.finish(base)
    seconds = time.perf_counter() - started

    def commit(session: Session) -> chunks.Tally:
        # Indexing is fixed cost, which grows by what each chunk took.
        jobs.add_fixed_cost(session, job.id, seconds, rates.of_work(job, seconds))
        return chunks.Tally(items=len(ids), seconds=seconds)

    return commit


def search(work: Work) -> Commit:
    """Find what techniques would be shown for a text; that becomes the job's result."""
    job, wanted = work.job, work.job.spec
    neighbours = find(
        job.dataset_id,
        str(wanted["text"]),
        int(wanted["k"]),
        category=str(wanted.get("category", "")),
        min_similarity=float(wanted.get("min_similarity", 0.0)),
        newer_than_days=int(wanted.get("newer_than_days", 0)),
    )

    def commit(session: Session) -> chunks.Tally:
        results.put(session, job.id, {"found": neighbours.to_dicts()})
        return chunks.Tally()

    return commit


def find(
    dataset_id: int, text: str, k: int, *, category: str = "", min_similarity: float = 0.0, newer_than_days: int = 0
) -> pl.DataFrame:
    """FOUND_SCHEMA for a text that is no item (its row is -1)."""
    asking = pl.DataFrame([[-1, text, "", category, "", None]], schema=ITEM_SCHEMA, orient="row")
    limits = SearchLimits(bool(category), min_similarity, newer_than_days)
    return knowledge_index.PgIndex(dataset_id).nearest(asking, k, limits)
