"""What a user starts and watches: a job, its spec, its state, its books. Its chunks are in db/chunks.py.

Why a job table beside a Celery queue: (1) a message can be lost or delivered twice, a row can't; (2) progress, cancel
and retry need a state that outlives the broker; (3) predictions and the state of their chunk must change in one
transaction. Celery only wakes workers up: db/turns.py says which chunk comes first, and the lease decides whose it is.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from db.errors import NotFound
from db.models import ChunkRow, DatasetRow, JobRow, RateRow
from db.set_aside import STAYS_RESERVED
from db.turns import expected_seconds
from db.types import Job, JobKind, JobState, Priority, Queue, Split, Step


def _value(row: JobRow, usd_per_hour: Decimal, source_name: str | None) -> Job:
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        dataset_id=row.dataset_id,
        technique=row.technique,
        spec=row.spec,
        spec_hash=row.spec_hash,
        split=Split(row.split) if row.split else None,
        item_limit=row.item_limit,
        queue=Queue(row.queue),
        state=JobState(row.state),
        error=row.error,
        items_total=row.items_total,
        fixed_usd=row.fixed_usd,
        fixed_seconds=row.fixed_seconds,
        rate_usd_per_hour=usd_per_hour,
        cap_usd=row.cap_usd,
        spent_usd=row.spent_usd,
        created_at=row.created_at,
        finished_at=row.finished_at,
        lost_usd=row.lost_usd,
        race_id=row.race_id,
        fixed_unknown=row.fixed_unknown,
        source_id=row.source_id,
        source_fingerprint=row.source_fingerprint,
        source_name=source_name or "",
        name=row.name,
        description=row.description,
        archived_at=row.archived_at,
        fit_key=row.fit_key,
        owner=row.owner,
    )


_SELECT = (
    select(JobRow, RateRow.usd, DatasetRow.name)
    .join(RateRow, RateRow.id == JobRow.rate_id)
    .outerjoin(DatasetRow, DatasetRow.id == JobRow.source_id)
)


def all(session: Session, dataset_id: int | None = None, kind: JobKind | None = None) -> list[Job]:  # noqa: A001
    """Every job, or those of one dataset or kind, newest first."""
    query = _SELECT.order_by(JobRow.id.desc())
    if dataset_id is not None:
        query = query.where(JobRow.dataset_id == dataset_id)
    if kind is not None:
        query = query.where(JobRow.kind == kind)
    return [_value(*row) for row in session.execute(query)]


def get(session: Session, job_id: int) -> Job:
    row = session.execute(_SELECT.where(JobRow.id == job_id)).first()
    if row is None:
        raise NotFound(f"There is no job {job_id}; the Jobs page lists those there are.")
    return _value(*row)


def some(session: Session, job_ids: Sequence[int]) -> list[Job]:
    """Those of the jobs that are there, by id."""
    query = _SELECT.where(JobRow.id.in_(job_ids)).order_by(JobRow.id)
    return [_value(*row) for row in session.execute(query)]


def is_at_work(session: Session, dataset_id: int, kind: JobKind) -> bool:
    """Whether a job of a kind on a dataset is not over; also while it is paused."""
    open_states = [str(state) for state in JobState if not state.is_final]
    query = select(JobRow.id).where(JobRow.dataset_id == dataset_id, JobRow.kind == kind, JobRow.state.in_(open_states))
    return session.scalar(query.limit(1)) is not None


def latest(session: Session, dataset_id: int, kind: JobKind) -> Job | None:
    row = session.execute(
        _SELECT.where(JobRow.dataset_id == dataset_id, JobRow.kind == kind).order_by(JobRow.id.desc()).limit(1)
    ).first()
    return _value(*row) if row else None


def same(
    session: Session,
    dataset_id: int,
    *,
    fit_key: str,
    split: Split | None,
    limit: int | None,
    source_id: int | None = None,
) -> Job | None:
    """The newest job that prices the same rows with the same spec in the same form, learned from the same source (as
    Job.source_id), and was not given up."""
    row = session.execute(
        _SELECT.where(
            JobRow.dataset_id == dataset_id,
            JobRow.fit_key == fit_key,
            JobRow.split.is_not_distinct_from(split),
            JobRow.item_limit.is_not_distinct_from(limit),
            JobRow.source_id.is_not_distinct_from(source_id),
            JobRow.state.not_in([JobState.CANCELLED, JobState.FAILED, JobState.STOPPED]),
        )
        .order_by(JobRow.id.desc())
        .limit(1)
    ).first()
    return _value(*row) if row else None


def taken_again(session: Session, job: Job) -> int:
    """The id of a job that is asked for anew, which is offered again if it was archived: or nobody would see it."""
    if job.archived_at is not None:
        change(session, job.id, archived_at=None)
    return job.id


def create(
    session: Session,
    *,
    kind: JobKind,
    dataset_id: int,
    queue: Queue,
    rate_id: int,
    chunks: Sequence[tuple[Step, list[int]]],
    technique: str = "",
    spec: dict[str, Any] | None = None,
    spec_hash: str = "",
    fit_key: str = "",
    split: Split | None = None,
    limit: int | None = None,
    items_total: int = 0,
    cap_usd: Decimal | None = None,
    priority: Priority = Priority.USUAL,
    seconds: Mapping[Step, float] = MappingProxyType({}),
    race_id: int | None = None,
    source_id: int | None = None,
    source_fingerprint: str = "",
) -> int:
    """A running job with its chunks, none of them sent yet.

    `seconds` says how long steps are expected to take, as `turns.expected_seconds` reads it. Of a job that a race
    drives no rows are released (db/races.py).
    """
    job = JobRow(
        kind=kind,
        dataset_id=dataset_id,
        technique=technique,
        spec=spec or {},
        spec_hash=spec_hash,
        fit_key=fit_key,
        split=split,
        item_limit=limit,
        queue=queue,
        priority=priority,
        race_id=race_id,
        source_id=source_id,
        source_fingerprint=source_fingerprint,
        state=JobState.RUNNING,
        rate_id=rate_id,
        items_total=items_total,
        cap_usd=cap_usd,
    )
    session.add(job)
    session.flush()
    session.execute(
        insert(ChunkRow),
        [
            {
                "job_id": job.id,
                "step": step,
                "step_order": step.order,
                "rows": rows,
                "expected_seconds": expected_seconds(step, rows, seconds),
                "is_released": race_id is None or step is not Step.PRICE,
            }
            for step, rows in chunks
        ],
    )
    return job.id


def change(session: Session, job_id: int, **values: Any) -> None:
    session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))


def drop(session: Session, job_id: int) -> None:
    """Delete the job and everything that hangs on it: chunks, predictions, what was measured."""
    session.execute(delete(JobRow).where(JobRow.id == job_id))


def pause(session: Session, job_id: int, reason: str) -> None:
    """Stop handing out chunks and say why; those at work finish."""
    if set_state(session, job_id, JobState.PAUSED, among=[JobState.RUNNING]):
        session.execute(text("UPDATE jobs SET error = :reason WHERE id = :job"), {"job": job_id, "reason": reason})


def set_cap(session: Session, job_id: int, cap_usd: Decimal | None) -> None:
    session.execute(text("UPDATE jobs SET cap_usd = :cap WHERE id = :job"), {"job": job_id, "cap": cap_usd})


def add_fixed_cost(session: Session, job_id: int, seconds: float, usd: Decimal, *, is_known: bool = True) -> None:
    """Book what is paid once, whatever is priced: fitting, indexing, training; it may come in parts. Not `is_known`:
    `usd` is what is known of it, and the whole is not."""
    session.execute(
        text(
            """UPDATE jobs SET fixed_seconds = fixed_seconds + :seconds, fixed_usd = fixed_usd + :usd,
                   fixed_unknown = fixed_unknown OR NOT :known WHERE id = :job"""
        ),
        {"job": job_id, "seconds": seconds, "usd": usd, "known": is_known},
    )


def spend(session: Session, job_id: int, usd: Decimal) -> None:
    """Book what an endpoint took for something else than a call: it counts under the job's cap, too."""
    session.execute(text("UPDATE jobs SET spent_usd = spent_usd + :usd WHERE id = :job"), {"usd": usd, "job": job_id})


def lose(session: Session, job_id: int, usd: Decimal, *, unpriced: int = 0) -> None:
    """Book calls that brought no answer and may have been charged, at the most they can have cost; `unpriced` of them
    at a price nobody knows."""
    session.execute(
        text(
            """UPDATE jobs SET spent_usd = spent_usd + :usd, lost_usd = lost_usd + :usd,
                   lost_unpriced = lost_unpriced + :unpriced WHERE id = :job"""
        ),
        {"usd": usd, "unpriced": unpriced, "job": job_id},
    )


def set_total(session: Session, job_id: int, items_total: int) -> None:
    session.execute(text("UPDATE jobs SET items_total = :total WHERE id = :job"), {"job": job_id, "total": items_total})


def set_state(session: Session, job_id: int, to: JobState, *, among: Sequence[JobState]) -> bool:
    """Change the state if it is one of `among`; False otherwise. Leaving `running` forgets what was sent."""
    changed = session.execute(
        text(
            """UPDATE jobs SET state = :to, error = CASE WHEN :to = 'running' THEN NULL ELSE error END,
                   finished_at = CASE WHEN :to = 'cancelled' THEN now() END,
                   stop_asked = stop_asked AND :to <> 'running'
               WHERE id = :job AND state = ANY(:among) RETURNING id"""
        ),
        {"job": job_id, "to": to, "among": list(among)},
    ).first()
    if changed:
        session.execute(
            text(
                # What a worker that died had set aside must not count against the cap for ever.
                f"""UPDATE chunks SET sent_at = NULL,
                       reserved_usd = CASE WHEN :to = 'running' THEN {STAYS_RESERVED} ELSE reserved_usd END
                   WHERE job_id = :job AND state = 'waiting'"""
            ),
            {"job": job_id, "to": to},
        )
    return changed is not None


def settle(session: Session, job_id: int) -> None:
    """Close a job whose last chunk is done, or one that a chunk failed for good; a file that could not be read fails
    with it: where it was looked at before, it can be looked at or loaded in another way."""
    session.execute(
        text(
            """WITH closed AS (
                   UPDATE jobs SET
                       state = CASE WHEN s.failed > 0 THEN 'failed' ELSE 'done' END,
                       error = coalesce(jobs.error, s.error), finished_at = now()
                   FROM (SELECT count(*) FILTER (WHERE state = 'failed') AS failed,
                                count(*) FILTER (WHERE state IN ('waiting', 'running')) AS open,
                                max(error) FILTER (WHERE state = 'failed') AS error
                         FROM chunks WHERE job_id = :job) s
                   WHERE jobs.id = :job AND jobs.state IN ('running', 'paused') AND (s.failed > 0 OR s.open = 0)
                   RETURNING jobs.dataset_id, jobs.kind, jobs.state, jobs.error)
               UPDATE datasets SET state = 'failed', error = closed.error FROM closed
               WHERE datasets.id = closed.dataset_id AND closed.state = 'failed'
                 AND closed.kind = ANY(:of_files)"""
        ),
        {"job": job_id, "of_files": [str(kind) for kind in JobKind if kind.reads_file]},
    )
    # Nobody else would release the rows of the jobs that it drives.
    session.execute(
        text(
            """UPDATE jobs SET state = 'stopped', finished_at = now(), race_id = NULL,
                   error = 'Its race, job ' || :job || ', failed; Retry prices the rest of the rows.'
               WHERE race_id = :job AND state IN ('running', 'paused')
                 AND EXISTS (SELECT FROM jobs r WHERE r.id = :job AND r.state = 'failed')"""
        ),
        {"job": job_id},
    )
    _say_why_nothing(session, job_id)


def _say_why_nothing(session: Session, job_id: int) -> None:
    """A pricing job that is done without a single price says so, with what happened to most of its rows."""
    session.execute(
        text(
            """UPDATE jobs SET error = 'None of the ' || told.rows || ' rows got a price: '
                   || coalesce(told.reason, 'no answer could be read as one') || '.'
               FROM (SELECT count(*) AS rows,
                            -- '' for an answer that came and could not be read
                            nullif(rtrim(mode() WITHIN GROUP (ORDER BY coalesce(evidence ->> 'error', '')), '.'), '')
                                AS reason
                     FROM predictions WHERE job_id = :job) told
               WHERE jobs.id = :job AND jobs.kind = 'price' AND jobs.state = 'done' AND jobs.error IS NULL
                 AND told.rows > 0
                 AND NOT EXISTS (SELECT 1 FROM predictions WHERE job_id = :job AND status = 'ok')"""
        ),
        {"job": job_id},
    )
