"""What takes space in the database, and which files and rows are needed no more."""

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import text
from sqlalchemy.orm import Session

_AGE = "now() - make_interval(days => :days)"
_OVER = "state IN ('done', 'failed', 'cancelled', 'stopped')"

TABLES = MappingProxyType(
    {
        "items": ("items", "rejects", "query_vectors"),
        "predictions": ("predictions", "chunks", "results", "comparisons"),
        "completions": ("completions", "completion_uses", "batches"),
        "knowledge": ("knowledge_items", "knowledge_bases", "knowledge_removed"),
        "models": ("adapter_files", "artifacts"),
        "checkpoints": ("checkpoints", "training_points"),
    }
)
"""Kind of what is kept -> its tables; those that are not named here are small, and counted together."""
OTHER = "other tables"


def table_bytes(session: Session) -> dict[str, int]:
    """Kind -> bytes in the database, indexes and long values included."""
    sizes = session.execute(
        text(
            """SELECT relname, pg_total_relation_size(relid) AS bytes FROM pg_stat_user_tables
               WHERE schemaname = 'public'"""
        )
    ).all()
    kinds = {table: kind for kind, tables in TABLES.items() for table in tables}
    found = dict.fromkeys((*TABLES, OTHER), 0)
    for name, size in sizes:
        found[kinds.get(name, OTHER)] += size
    return found


@dataclass(frozen=True, slots=True)
class DatasetSpace:
    id: int
    name: str
    file_sha256: str
    items: int
    predictions: int
    is_archived: bool


def largest(session: Session, limit: int) -> list[DatasetSpace]:
    """The datasets with the most items and predictions."""
    rows = session.execute(
        text(
            """SELECT d.id, d.name, d.file_sha256, d.items, d.archived_at IS NOT NULL AS is_archived,
                   coalesce((SELECT sum(c.items_done) FROM jobs j JOIN chunks c ON c.job_id = j.id
                             WHERE j.dataset_id = d.id AND c.step = 'price' AND c.state = 'done'), 0) ::bigint AS priced
               FROM datasets d ORDER BY d.items DESC, d.id LIMIT :limit"""
        ),
        {"limit": limit},
    )
    return [DatasetSpace(r.id, r.name, r.file_sha256, r.items, r.priced, r.is_archived) for r in rows]


def at_work(session: Session) -> set[int]:
    """Jobs of which somebody holds a chunk."""
    return set(session.scalars(text("SELECT DISTINCT job_id FROM chunks WHERE state = 'running'")))


def may_go_on(session: Session, job_ids: Collection[int], days: int) -> set[int]:
    """Those of these jobs that are not over, or failed less than so many days ago: they may go on from what they
    have."""
    query = f"""SELECT id FROM jobs WHERE id = ANY(:jobs)
                    AND (NOT {_OVER} OR state = 'failed' AND coalesce(finished_at, created_at) >= {_AGE})"""
    return set(session.scalars(text(query), {"jobs": list(job_ids), "days": days}))


def drop_checkpoints(session: Session, days: int) -> int:
    """Forget where trainings would go on from that have stood still for so many days; of how many."""
    query = f"""DELETE FROM checkpoints k USING jobs j WHERE j.id = k.job_id AND j.state <> 'running'
                    AND j.created_at < {_AGE}
                    AND NOT EXISTS (SELECT 1 FROM training_points p WHERE p.job_id = j.id AND p.at >= {_AGE})
                RETURNING k.job_id"""
    return len(set(session.scalars(text(query), {"days": days})))


def used_files(session: Session) -> set[str]:
    """sha256 of every uploaded file that a dataset was made of, or a knowledge base or a batch was changed by."""
    query = """SELECT file_sha256 FROM datasets UNION SELECT spec -> 'changes' ->> 'sha256' FROM jobs
               WHERE spec -> 'changes' IS NOT NULL"""
    return {sha256 for sha256 in session.scalars(text(query)) if sha256}


def old_datasets(session: Session, days: int, limit: int) -> list[int]:
    """Datasets that were archived so many days ago, the longest first."""
    query = f"SELECT id FROM datasets WHERE archived_at < {_AGE} ORDER BY archived_at LIMIT :limit"
    return list(session.scalars(text(query), {"days": days, "limit": limit}))


def old_jobs(session: Session, days: int, limit: int) -> list[int]:
    """Jobs that are over and were archived so many days ago, the longest first."""
    query = f"SELECT id FROM jobs WHERE archived_at < {_AGE} AND {_OVER} ORDER BY archived_at LIMIT :limit"
    return list(session.scalars(text(query), {"days": days, "limit": limit}))
