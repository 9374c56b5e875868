"""What an hour of a machine costs: dated prices. A change is a new entry, so old jobs keep the price they had."""

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import RateRow
from db.settings import settings
from db.types import Queue, Rate

CPU_HOUR, GPU_HOUR = "cpu-hour", "gpu-hour"


def current(session: Session) -> list[Rate]:
    """The newest price of each machine kind."""
    rows = session.scalars(
        select(RateRow).distinct(RateRow.name).order_by(RateRow.name, RateRow.valid_from.desc(), RateRow.id.desc())
    )
    return [Rate(row.name, row.usd, row.valid_from) for row in rows]


def for_queue(session: Session, queue: Queue) -> int:
    """Id of the price that holds now for the machines of a queue; writes a new dated entry when the setting changed."""
    name = GPU_HOUR if queue is Queue.GPU else CPU_HOUR
    usd = settings().gpu_usd_per_hour if queue is Queue.GPU else settings().cpu_usd_per_hour
    newest = session.scalars(
        select(RateRow).where(RateRow.name == name).order_by(RateRow.valid_from.desc(), RateRow.id.desc()).limit(1)
    ).first()
    if newest is None or newest.usd != usd:
        newest = RateRow(name=name, usd=usd)
        session.add(newest)
        session.flush()
    return newest.id


def usd_per_hour(session: Session, queue: Queue) -> Decimal:
    return session.get_one(RateRow, for_queue(session, queue)).usd


def usd_for(seconds: float, usd_per_hour: Decimal) -> Decimal:
    """Dollars for working seconds: seconds / 3600 x $/hour."""
    return Decimal(repr(seconds)) / 3600 * usd_per_hour
