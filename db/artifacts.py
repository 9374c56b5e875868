"""What fitting produced, kept in Postgres so that every worker on every machine reads the same bytes."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models import ArtifactRow
from db.types import Artifact

_EMPTY = "-"  # the part that says "fitted, but nothing to keep"


def put(session: Session, fit_hash: str, dataset_id: int, artifact: Artifact, fit_seconds: float) -> None:
    """Keep what a fit produced under the hash of spec and train side; a second, identical fit changes nothing."""
    parts = artifact.parts or {_EMPTY: b""}
    session.execute(
        insert(ArtifactRow).on_conflict_do_nothing(),
        [
            {"hash": fit_hash, "part": name, "dataset_id": dataset_id, "payload": data, "fit_seconds": fit_seconds}
            for name, data in parts.items()
        ],
    )


def get(session: Session, fit_hash: str) -> Artifact | None:
    rows = session.execute(select(ArtifactRow.part, ArtifactRow.payload).where(ArtifactRow.hash == fit_hash)).all()
    return Artifact({part: payload for part, payload in rows if part != _EMPTY}) if rows else None


def part(session: Session, fit_hash: str, name: str) -> bytes | None:
    """One part of what a fit produced; None where it has none of that name."""
    return session.scalar(select(ArtifactRow.payload).where(ArtifactRow.hash == fit_hash, ArtifactRow.part == name))


def fit_seconds(session: Session, fit_hash: str) -> float | None:
    """How long the fit took when it was done; None when it was never done."""
    return session.scalar(select(ArtifactRow.fit_seconds).where(ArtifactRow.hash == fit_hash).limit(1))
