"""Each row of a file is priced or says why not, and nobody has to guess who should look at it."""

from dataclasses import replace

import polars as pl
import pytest
from sqlalchemy import text

from db import datasets, jobs, predictions
from db.engine import Session
from db.types import JobState, Split
from tests.builders import a_dataset, a_job, some_predictions
from worker.pricing.priced_file import actions
from worker.pricing.priced_file.lines import lines_of


@pytest.fixture
def made(session: Session):
    """A job on ten priced rows and four without a price, of which it priced three, each to another end."""
    dataset_id = a_dataset(session, 10, unpriced=4)
    reject = pl.DataFrame({"line": [16], "raw": ["x"], "reason": ["no title"]})
    datasets.add_rejects(session, dataset_id, reject)
    job_id = a_job(session, dataset_id)
    for row, status in ((10, "ok"), (11, "unparsed"), (12, "failed")):
        predictions.add(session, job_id, some_predictions([row], status=status, price=10 / 3))
    predictions.add(session, job_id, some_predictions([9], price=7.0))
    return session, dataset_id, jobs.get(session, job_id)


def rows(made, job, **more):
    session, dataset_id, _ = made
    frame = lines_of(
        job,
        datasets.places(session, dataset_id),
        datasets.reasons(session, dataset_id),
        predictions.answers(session, job.id),
        **({"unlike": []} | more),
    )
    assert frame["line"].to_list() == list(range(2, 17))
    return {line: (price, flag, reason) for line, price, _, _, flag, reason in frame.rows()}


def test_what_is_said_of_each_row(made) -> None:
    said = rows(made, replace(made[2], state=JobState.DONE))
    assert said[2] == (None, "not priced", "its price is known already")
    assert said[11] == (7.0, "ok", "")
    assert said[12] == (10 / 3, "ok", "")
    assert said[13] == (None, "for a person", "no price could be read from the answer")
    assert said[14] == (None, "for a person", "no answer")
    assert said[15] == (None, "not priced", "it is not in the sample that was priced")
    assert said[16] == (None, "for a person", "the row can't be read: no title")


def test_rows_unlike_what_was_learned_and_rows_handed_over_are_for_a_person(made) -> None:
    done = replace(made[2], state=JobState.DONE)
    assert rows(made, done, unlike=[10])[12] == (10 / 3, "for a person", "unlike what was learned from")
    lists = pl.DataFrame({"row": [9, 10, 11, 12], "reason": ["", "interval too wide", "no answer", "no answer"]})
    said = rows(made, done, handed_over=lists)
    assert [said[line][1:] for line in (11, 12)] == [("ok", ""), ("for a person", "interval too wide")]
    assert said[13][2] == "no price could be read from the answer"


def test_a_job_of_one_side_or_half_done_says_so(made) -> None:
    assert rows(made, made[2])[15][2] == "it was not priced so far; the job is running"
    done = replace(made[2], state=JobState.DONE)
    assert rows(made, replace(done, split=Split.TEST))[15][2] == "only rows with a known price were priced"


def test_an_upload_that_is_not_kept_is_told(made) -> None:
    session, dataset_id, job = made
    session.execute(text("COMMIT"))
    assert not actions.is_kept(datasets.get(session, dataset_id))
    with pytest.raises(Exception, match="is not kept; export its predictions instead"):
        actions.bytes_of(job, datasets.get(session, dataset_id))
