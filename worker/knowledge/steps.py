"""What do an index job and a search in the knowledge base do?

An index job begins with one chunk without rows: it brings in the train side, applies a file of changes or a reference
dataset, and adds chunks whose `rows` are the ids of the stale items. Those chunks embed. Items that nobody changed are
in none of them.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import polars as pl

from db import chunks, datasets, jobs, rates, results
from db.engine import Session, begin
from db.errors import NotReady
from db.knowledge import bases
from db.knowledge import changes as knowledge_changes
from db.settings import settings
from db.types import ITEM_SCHEMA, SearchLimits, Step
from worker.knowledge import index as knowledge_index

if TYPE_CHECKING:
    from worker.work import Work

CHUNK_ITEMS = 2_048  # about ten seconds of embedding on two cores

Commit = Callable[[Session], chunks.Tally]


def index(work: "Work") -> Commit:
    """Bring a knowledge base up to date: the first chunk says what is to be embedded, the others embed it."""
    return _embed(work) if work.chunk.rows else _prepare(work)


def _prepare(work: "Work") -> Commit:
    signature = knowledge_index.embedder().signature
    ingest_knowledge_changes, unreadable = _read(work)
    started = time.perf_counter()

    def commit(session: Session) -> chunks.Tally:
        base = bases.ensure(session, work.job.dataset_id, signature)
        synced = knowledge_changes.sync(session, base)
        outcome = synced
        if ingest_knowledge_changes is not None:
            outcome = knowledge_changes.apply(session, base, ingest_knowledge_changes)
            outcome.refuse("the line is no row of the table", unreadable)
        if work.job.spec.get("reference"):
            outcome = knowledge_changes.add_reference(session, base, work.job.spec["reference"])
        waiting = bases.stale(session, base.id)
        pieces = [waiting[start : start + CHUNK_ITEMS] for start in range(0, len(waiting), CHUNK_ITEMS)]
        chunks.add(session, work.job.id, Step.INDEX, pieces)
        jobs.set_total(session, work.job.id, len(waiting))
        results.put(session, work.job.id, asdict(outcome) | {"from_train": synced.added, "to_embed": len(waiting)})
        if not waiting:
            bases.mark_refreshed(session, base.id)
        _book(session, work, time.perf_counter() - started)
        return chunks.Tally()

    return commit


def _read(work: "Work") -> tuple[pl.DataFrame | None, int]:
    """The file of changes of a job that has one, and how many of its lines are no rows."""
    from worker.ingest import knowledge_changes as ingest_knowledge_changes

    file = work.job.spec.get("changes")
    if not file:
        return None, 0
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
    known, decimals = dataset.mapping, dataset.inspection.get("decimals", {})
    path = settings().files_dir / file["sha256"]
    if not path.is_file():
        raise NotReady("The file of changes is gone; upload it again.")
    read = list(
        ingest_knowledge_changes.batches(
            path,
            file["name"],
            known,
            work.progress,
            removes=bool(file.get("removes")),
            said=file.get("decimal"),
            usual=decimals.get(known.get("price")),
        )
    )
    frames = [each.frame for each in read]
    empty = pl.DataFrame(schema=knowledge_changes.CHANGES_SCHEMA)
    return pl.concat([empty, *frames]), sum(each.rejects for each in read)


def _embed(work: "Work") -> Commit:
    with begin() as session:
        base = bases.of(session, work.job.dataset_id)
    started = time.perf_counter()
    if base is not None:
        knowledge_index.embed(base, work.chunk.rows, work.progress)
        knowledge_index.finish(base)
    seconds = time.perf_counter() - started

    def commit(session: Session) -> chunks.Tally:
        _book(session, work, seconds)
        return chunks.Tally(items=len(work.chunk.rows), seconds=seconds)

    return commit


def _book(session: Session, work: "Work", seconds: float) -> None:
    """Indexing is fixed cost: it grows by what this chunk took."""
    jobs.add_fixed_cost(session, work.job.id, seconds, rates.usd_for(seconds, work.job.rate_usd_per_hour))


def search(work: "Work") -> Commit:
    """What techniques would be shown for a text; the answer becomes the job's result."""
    asked = work.job.spec
    found = find(
        work.job.dataset_id,
        str(asked["text"]),
        int(asked["k"]),
        category=str(asked.get("category", "")),
        min_similarity=float(asked.get("min_similarity", 0.0)),
        newer_than_days=int(asked.get("newer_than_days", 0)),
    )

    def commit(session: Session) -> chunks.Tally:
        results.put(session, work.job.id, {"found": found.to_dicts()})
        return chunks.Tally()

    return commit


def find(
    dataset_id: int, text: str, k: int, *, category: str = "", min_similarity: float = 0.0, newer_than_days: int = 0
) -> pl.DataFrame:
    """FOUND_SCHEMA for a text that is no item (its row is -1)."""
    asking = pl.DataFrame([[-1, text, "", category, "", None]], schema=ITEM_SCHEMA, orient="row")
    limits = SearchLimits(bool(category), min_similarity, newer_than_days)
    return knowledge_index.PgIndex(dataset_id).nearest(asking, k, limits)
