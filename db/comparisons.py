"""Comparisons that were made: frames under a key that says all that they rest on."""

import io
from collections.abc import Sequence

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models import ComparisonRow
from db.types import JobState

MOST = 500
"""Frames kept of a dataset, the newest of them: what nobody asks for again is not kept for ever."""

FIRST = "first"
"""The spec hash of the jobs that make what pages show at first, by every measure."""


def get(session: Session, key: str) -> pl.DataFrame | None:
    """The frame that was kept under a key; None where there is none."""
    frame = session.scalar(select(ComparisonRow.frame).where(ComparisonRow.key == key))
    return None if frame is None else pl.read_parquet(io.BytesIO(frame))


def known(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of the keys under which a frame was kept."""
    return set(session.scalars(select(ComparisonRow.key).where(ComparisonRow.key.in_(keys))))


def put(session: Session, dataset_id: int, key: str, frame: pl.DataFrame) -> None:
    """Keep a frame of a dataset; one that is there under the key stays, for it rests on the same."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    values = {"key": key, "dataset_id": dataset_id, "frame": buffer.getvalue()}
    session.execute(insert(ComparisonRow).values(values).on_conflict_do_nothing())
    session.execute(
        text(
            """DELETE FROM comparisons WHERE key IN (
                   SELECT key FROM comparisons WHERE dataset_id = :dataset ORDER BY made_at DESC, key OFFSET :most)"""
        ),
        {"dataset": dataset_id, "most": MOST},
    )


def lock(session: Session, dataset_id: int) -> bool:
    """Let nobody else decide about the comparisons of a dataset until the transaction ends; False: it is gone."""
    query = text("SELECT 1 FROM datasets WHERE id = :dataset FOR NO KEY UPDATE")
    return session.scalar(query, {"dataset": dataset_id}) is not None


def due(session: Session, most: int) -> list[int]:
    """The datasets with more than so many comparable predictions whose last pricing job has ended, however it did, and
    of which no comparison (FIRST) was started since."""
    query = """SELECT p.dataset_id FROM jobs p WHERE p.kind = 'price' GROUP BY p.dataset_id
               HAVING bool_and(p.state = ANY(:final))
                  AND sum(p.items_total) FILTER (WHERE p.state = 'done' AND coalesce(p.split, 'test') = 'test') > :most
                  AND max(p.finished_at) > coalesce(
                      (SELECT max(c.created_at) FROM jobs c WHERE c.dataset_id = p.dataset_id AND c.kind = 'compare'
                                                             AND c.spec_hash = :first), '-infinity')
               ORDER BY p.dataset_id"""
    final = [str(state) for state in JobState if state.is_final]
    return list(session.scalars(text(query), {"final": final, "most": most, "first": FIRST}))
