"""Pricing one table with what was learned on another, and what fits have left."""

import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, jobs, predictions
from db.engine import Session, begin
from db.types import DatasetState, JobState, Split
from tests.worker.conftest import drain
from tests.worker.hashed import HashedWords
from worker import specs
from worker.knowledge import index
from worker.pricing import actions


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> HashedWords:
    """The embedding model of the test."""
    model = HashedWords()
    monkeypatch.setattr(index, "embedder", lambda: model)
    return model


def a_table(session: Session, frame: pl.DataFrame, *, name: str = "new") -> int:
    """A ready dataset with these rows (title, description, category, brand, price), all unpriced or all on test."""
    side = Split.UNPRICED if frame["price"].null_count() else Split.TEST
    dataset_id = datasets.create(session, name=name, sha256="1" * 64, file_name=f"{name}.csv")
    row = pl.int_range(len(frame))
    filled = {"line": row + 2, "external_id": pl.lit(""), "split": pl.lit(str(side)), "group_id": row}
    datasets.add_items(session, dataset_id, frame.with_columns(row=row, **filled))
    splits = {str(each): 0 for each in Split} | {str(side): len(frame)}
    datasets.change(session, dataset_id, state=DatasetState.READY, items=len(frame), rows_in=len(frame), splits=splits)
    return dataset_id


def priced(dataset_id: int, spec: specs.BaseSpec, sent: list[int], source_id: int | None = None) -> pl.DataFrame:
    """What a job of the spec on a dataset answered; `source_id`: learned there."""
    (job_id,) = actions.start(dataset_id, [spec], source_id=source_id)
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
        assert job.state is JobState.DONE, job.error
        assert job.learned_from == (source_id or dataset_id)
        return predictions.of_job(session, job_id)


def kept() -> list[tuple[str, str]]:
    """What fits left, and the knowledge items."""
    with begin() as session:
        fits = session.execute(text("SELECT hash, part FROM artifacts WHERE fit_seconds > 0 ORDER BY 1, 2")).all()
        known = session.execute(text("SELECT base_id::text, id::text FROM knowledge_items ORDER BY 1, 2")).all()
    return [(str(a), str(b)) for a, b in (*fits, *known)]
