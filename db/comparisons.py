"""Comparisons that were made: frames under a key that says all that they rest on."""

import io

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models import ComparisonRow

MOST = 500
"""Frames kept of a dataset, the newest of them: what nobody asks for again is not kept for ever."""


def get(session: Session, key: str) -> pl.DataFrame | None:
    """The frame that was kept under a key; None where there is none."""
    frame = session.scalar(select(ComparisonRow.frame).where(ComparisonRow.key == key))
    return None if frame is None else pl.read_parquet(io.BytesIO(frame))


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
