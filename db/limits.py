"""What one person may take at once and in a month: running jobs, uploads, stored bytes, money.

The limits are settings; 0 is none. What belongs to nobody has none, and neither has what the product does by itself.
"""

from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from db import acting
from db.errors import NotAllowed
from db.settings import settings
from db.types import DatasetState, Job, JobKind

_FREE = (JobKind.SEARCH, JobKind.COMPARE)
"""Jobs that a page starts to show something."""

# The lock of a person, until the transaction ends. Taken after those of jobs, never before.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('pricewright ' || :what || ' ' || :person, 0))"


def check_running(session: Session) -> None:
    """Raises NotAllowed where whoever acts has as many jobs running as one may; those that a race drives are one with
    it."""
    person, most = acting.person(), settings().running_jobs_per_person
    if person is None or not most:
        return
    session.execute(text(_LOCK), {"what": "jobs", "person": person.name})
    running = session.scalar(
        text(
            """SELECT count(*) FROM jobs
               WHERE owner = :person AND state = 'running' AND race_id IS NULL AND NOT kind = ANY(:free)"""
        ),
        {"person": person.name, "free": [str(kind) for kind in _FREE]},
    )
    if (running or 0) >= most:
        raise NotAllowed(f"You have {running} jobs running, and {most} may run at once; wait for one, or cancel it.")


def check_uploads(session: Session) -> None:
    """Raises NotAllowed where as many files of whoever acts are waiting to be read as may."""
    person, most = acting.person(), settings().uploads_per_person
    if person is None or not most:
        return
    session.execute(text(_LOCK), {"what": "uploads", "person": person.name})
    reading = session.scalar(
        text("SELECT count(*) FROM datasets WHERE owner = :person AND state = ANY(:states)"),
        {"person": person.name, "states": [DatasetState.UPLOADED, DatasetState.LOADING]},
    )
    if (reading or 0) >= most:
        raise NotAllowed(f"{reading} files of yours are being read, and {most} may be at once; wait for one.")


def room_for_upload(session: Session) -> int | None:
    """Bytes that whoever acts may still store, besides the files of her datasets; None: as many as she likes."""
    person, most = acting.person(), settings().stored_gb_per_person
    if person is None or not most:
        return None
    hashes = session.scalars(
        text("SELECT DISTINCT file_sha256 FROM datasets WHERE owner = :person"), {"person": person.name}
    )
    files = [settings().files_dir / sha256 for sha256 in hashes]
    stored: int = sum(file.stat().st_size for file in files if file.is_file())
    return int(most * 1e9) - stored


def is_month_limited(session: Session, job_id: int) -> bool:
    """Whether what a job pays counts against the month of its owner."""
    return bool(settings().month_usd_per_person) and bool(_owner(session, job_id))


def _owner(session: Session, job_id: int) -> str:
    return session.scalar(text("SELECT owner FROM jobs WHERE id = :job"), {"job": job_id}) or ""


_PAID = """
    (SELECT coalesce(sum(usd), 0) FROM spendings
     WHERE person = :person AND month = date_trunc('month', now() AT TIME ZONE 'UTC')::date)
"""


def month_room_for_calls(session: Session, job_id: int) -> Decimal | None:
    """What the month of a job's owner leaves for calls, beside what is paid, lost and on its way; None: as much as one
    likes. Locks the owner's month: two processes can't give the same money out."""
    return _room(
        session,
        job_id,
        """(SELECT coalesce(sum(c.most_usd), 0) FROM completions c JOIN jobs j ON j.id = c.job_id
            WHERE j.owner = :person AND c.state = 'sent' AND c.sent_at IS NOT NULL)""",
    )


def month_room_for_chunk(session: Session, job_id: int, chunk_id: int) -> Decimal | None:
    """The same beside what is paid and what the other chunks of all the owner's jobs have set aside."""
    return _room(
        session,
        job_id,
        """(SELECT coalesce(sum(c.reserved_usd), 0) FROM chunks c JOIN jobs j ON j.id = c.job_id
            WHERE j.owner = :person AND c.reserved_usd > 0 AND c.id <> :chunk)""",
        chunk=chunk_id,
    )


def _room(session: Session, job_id: int, promised: str, **about: int) -> Decimal | None:
    most, person = settings().month_usd_per_person, _owner(session, job_id)
    if not most or not person:
        return None
    session.execute(text(_LOCK), {"what": "month", "person": person})
    taken = session.scalar(text(f"SELECT {_PAID} + {promised}"), {"person": person, **about})
    return most - Decimal(taken or 0)


def month_sentence(session: Session, job: Job, chunk_id: int, usd: Decimal) -> str:
    """Why a chunk may not set so much aside this month; "" where something else than the month forbids it."""
    room = month_room_for_chunk(session, job.id, chunk_id)
    if room is None or (usd <= room and job.cap_usd is not None):
        return ""
    paid = Decimal(session.scalar(text(f"SELECT {_PAID}"), {"person": job.owner}) or 0)
    return (
        f"The ${settings().month_usd_per_person:,.2f} that {job.owner} may spend in a month are reached: ${paid:,.4f} "
        f"are spent, the next calls may cost ${usd:,.4f}, and calls under way count as what they may cost; resume next "
        "month, or ask an admin for a higher limit."
    )
