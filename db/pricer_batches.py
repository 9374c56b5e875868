"""The files that pricers priced or were to price: taken once, moved through states, listed, measured."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import NotFound
from db.models import PricerBatchRow
from db.types import BatchState, PricerBatch

OPEN = (BatchState.WAITING, BatchState.PRICING)


def _value(row: PricerBatchRow) -> PricerBatch:
    return PricerBatch(
        id=row.id,
        pricer_name=row.pricer_name,
        pricer_id=row.pricer_id,
        file_name=row.file_name,
        file_sha256=row.file_sha256,
        folder=row.folder,
        target=row.target,
        state=BatchState(row.state),
        error=row.error,
        dataset_id=row.dataset_id,
        job_id=row.job_id,
        rows=row.rows,
        rejects=row.rejects,
        flagged=row.flagged,
        unlike=row.unlike,
        usd=row.usd,
        truth=row.truth,
        created_at=row.created_at,
        finished_at=row.finished_at,
        owner=row.owner,
    )


def take(session: Session, **values: Any) -> PricerBatch | None:
    """A new batch that waits, with these columns; None where a watched folder's file with this content was taken before
    for the pricer of that name, by whoever it was."""
    made = session.execute(
        insert(PricerBatchRow)
        .values({"state": BatchState.WAITING} | values)
        .on_conflict_do_nothing(index_elements=["pricer_name", "file_sha256"], index_where=text("folder <> ''"))
        .returning(PricerBatchRow.id)
    ).scalar()
    return None if made is None else get(session, made)


def get(session: Session, batch_id: int) -> PricerBatch:
    """The batch with this number. Raises NotFound."""
    row = session.get(PricerBatchRow, batch_id, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no batch {batch_id}; `pricewright batches` lists those there are.")
    return _value(row)


def taken(session: Session, pricer_name: str, sha256: str) -> PricerBatch | None:
    """The batch of a watched folder's file with this content, if it was taken for the pricer of that name."""
    query = select(PricerBatchRow).where(
        PricerBatchRow.pricer_name == pricer_name, PricerBatchRow.file_sha256 == sha256, PricerBatchRow.folder != ""
    )
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    return _value(row) if row else None


def of_job(session: Session, job_id: int) -> PricerBatch | None:
    """The newest batch that a job priced."""
    query = select(PricerBatchRow).where(PricerBatchRow.job_id == job_id).order_by(PricerBatchRow.id.desc())
    row = session.scalars(query.limit(1)).first()
    return _value(row) if row else None


def unfinished(session: Session, pricer_name: str | None = None, folder: str | None = None) -> list[PricerBatch]:
    """Batches that somebody still has something to do with, in the order in which they came: those that are not priced,
    and those of a folder whose file does not lie aside yet."""
    query = select(PricerBatchRow).where(PricerBatchRow.finished_at.is_(None)).order_by(PricerBatchRow.id)
    if pricer_name is not None:
        query = query.where(PricerBatchRow.pricer_name == pricer_name)
    if folder is not None:
        query = query.where(PricerBatchRow.folder == folder)
    return [_value(row) for row in session.scalars(query)]


def has_target(session: Session, target: str) -> bool:
    """Whether a batch is written to this place."""
    return session.scalar(select(PricerBatchRow.id).where(PricerBatchRow.target == target).limit(1)) is not None


def all(session: Session, pricer_name: str | None = None, limit: int | None = None) -> list[PricerBatch]:  # noqa: A001
    """Every batch, or those of the pricer of a name, newest first."""
    query = select(PricerBatchRow).order_by(PricerBatchRow.id.desc()).limit(limit)
    if pricer_name is not None:
        query = query.where(PricerBatchRow.pricer_name == pricer_name)
    return [_value(row) for row in session.scalars(query)]


def change(session: Session, batch_id: int, *, among: Sequence[BatchState] = tuple(BatchState), **values: Any) -> bool:
    """Change columns of a batch that is in one of these states; False where it is in another one."""
    query = update(PricerBatchRow).where(PricerBatchRow.id == batch_id, PricerBatchRow.state.in_(list(map(str, among))))
    return session.scalar(query.values(**values).returning(PricerBatchRow.id)) is not None


def finish(session: Session, batch_id: int, **values: Any) -> None:
    """Change columns of a batch that nobody has anything to do with any more."""
    change(session, batch_id, finished_at=func.now(), **values)


def cost(session: Session, job_id: int) -> Decimal | None:
    """What a job's rows cost in $, with what was lost with calls that brought no answer; None = something of it is
    unknown. What was paid once, for fitting, is not part of it."""
    row = session.execute(
        text(
            """SELECT j.lost_usd, j.lost_unpriced, sum(p.usd) AS usd, count(*) FILTER (WHERE p.row IS NOT NULL
                   AND (p.usd IS NULL OR p.usd = 'NaN')) AS unknown
               FROM jobs j LEFT JOIN predictions p ON p.job_id = j.id WHERE j.id = :job GROUP BY j.id"""
        ),
        {"job": job_id},
    ).one()
    if row.unknown or row.lost_unpriced:
        return None
    return Decimal(row.usd or 0) + Decimal(row.lost_usd)
