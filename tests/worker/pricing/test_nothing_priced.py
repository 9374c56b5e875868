"""A job whose every row failed says why, and leaves the comparison of the others alone."""

import io

import polars as pl
import pytest
from rich.console import Console

from db import chunks, datasets, jobs, predictions
from db.engine import Session, begin
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.dashboard.priced import a_finished_job, a_running_job, guesses
from worker import specs
from worker.cli import tables
from worker.pricing import comparison


def a_failed_job(session: Session, dataset_id: int, status: str, evidence: str | None) -> int:
    """Done, and no row of it has a price."""
    spec = specs.parse({"technique": "zero-shot"})
    items = datasets.items(session, dataset_id, Split.TEST)
    frame = guesses(items, spec).with_columns(
        price=pl.lit(None, pl.Float64), low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64),
        status=pl.lit(status), evidence=pl.lit(evidence, pl.String),
    )  # fmt: skip
    job_id = a_running_job(session, dataset_id, spec)
    predictions.add(session, job_id, frame)
    for _ in range(3):  # fit, price, evaluate
        for chunk_id in chunks.to_send(session, job_id):
            chunk = chunks.claim(session, chunk_id, "a test", 60)
            assert chunk is not None
            assert chunks.finish(session, chunk, chunks.Tally())
    return job_id


@pytest.mark.parametrize(
    ("status", "evidence", "said"),
    [
        ("failed", '{"error": "The endpoint does not answer."}', "got a price: The endpoint does not answer."),
        ("unparsed", '{"answer": "no idea"}', "got a price: no answer could be read as one."),
        ("unparsed", None, "got a price: no answer could be read as one."),
    ],
)
def test_a_job_that_brought_nothing_says_why(database: str, status: str, evidence: str | None, said: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session)
        failed = a_failed_job(session, dataset_id, status, evidence)
        good = a_finished_job(session, dataset_id, specs.parse({"technique": "constant"}))
        job = jobs.get(session, failed)
        assert jobs.get(session, good).error is None
    assert job.state is JobState.DONE
    assert job.error is not None
    assert job.error.startswith("None of the ")
    assert job.error.endswith(said)


def test_it_is_compared_as_having_no_answers(database: str) -> None:
    """Its missing verdict once ended `price` and every later `compare` of the dataset in a traceback."""
    with begin() as session:
        dataset_id = a_dataset(session)
        failed = a_failed_job(session, dataset_id, "failed", '{"error": "The endpoint does not answer."}')
        good = a_finished_job(session, dataset_id, specs.parse({"technique": "constant"}))
    rows = {row["job"]: row for row in comparison.of_jobs([failed, good])}
    assert rows[failed]["verdict"] is None
    assert rows[failed]["note"].endswith("The endpoint does not answer.")
    assert rows[good]["verdict"] in ("ahead", "too few rows")
    screen = io.StringIO()
    Console(file=screen, width=200).print(tables.comparison(list(rows.values())))
    assert "no answers" in screen.getvalue()
