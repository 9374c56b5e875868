"""The jobs that a comparison takes, at the command line as on the page."""

import pytest

from db import datasets, jobs
from db.engine import Session
from db.errors import NotFound, WrongState
from db.types import Dataset, Job, JobState, Split
from tests.builders import a_dataset
from tests.dashboard.priced import a_finished_job, a_running_job
from worker import specs
from worker.pricing import comparison


@pytest.fixture
def dataset(session: Session) -> Dataset:
    return datasets.get(session, a_dataset(session, 200, unpriced=200))


def every(session: Session, dataset: Dataset) -> list[Job]:
    return jobs.all(session, dataset.id)


def sampled(session: Session, dataset: Dataset, spec: specs.BaseSpec, split: Split | None, limit: int) -> int:
    """A finished job over a sample of the rows."""
    from sqlalchemy import text

    job_id = a_finished_job(session, dataset.id, spec)
    session.execute(
        text("UPDATE jobs SET split = :split, item_limit = :limit, items_total = :limit WHERE id = :job"),
        {"split": split, "limit": limit, "job": job_id},
    )
    session.expire_all()
    return job_id


def test_of_one_spec_the_job_that_measured_most_rows_is_taken_the_newest_of_equals(
    session: Session, dataset: Dataset
) -> None:
    ridge = specs.SPECS["ridge"]()
    a_finished_job(session, dataset.id, ridge)
    newest = a_finished_job(session, dataset.id, ridge)
    sampled(session, dataset, ridge, Split.TEST, 5)
    constant = a_finished_job(session, dataset.id, specs.ConstantSpec())
    a_running_job(session, dataset.id, specs.SPECS["lightgbm"]())
    a_finished_job(session, dataset.id, specs.SPECS["neighbours"](), Split.UNPRICED)
    assert comparison.taken(dataset, every(session, dataset)) == [constant, newest]


def test_rows_without_a_price_measure_nothing_and_do_not_count(session: Session, dataset: Dataset) -> None:
    ridge = specs.SPECS["ridge"]()
    measures = sampled(session, dataset, ridge, Split.TEST, 15)
    sampled(session, dataset, ridge, None, 60)  # of 20 test and 200 unpriced rows, so about 5 of them
    assert comparison.taken(dataset, every(session, dataset)) == [measures]


def test_steps_of_a_context_curve_are_left_out_unless_there_is_nothing_else(session: Session, dataset: Dataset) -> None:
    kind = specs.MultiShotSpec
    steps = [sampled(session, dataset, kind(k=k), Split.TEST, 10) for k in (0, 1, 3)]
    assert comparison.taken(dataset, every(session, dataset)) == steps
    constant = a_finished_job(session, dataset.id, specs.ConstantSpec())
    assert comparison.taken(dataset, every(session, dataset)) == [constant]


def test_jobs_that_are_asked_for_are_taken_whatever_else_there_is_of_their_spec(
    session: Session, dataset: Dataset
) -> None:
    ridge = specs.SPECS["ridge"]()
    first, second = (a_finished_job(session, dataset.id, ridge) for _ in range(2))
    a_finished_job(session, dataset.id, specs.ConstantSpec())
    assert comparison.taken(dataset, every(session, dataset), [first]) == [first]
    assert comparison.taken(dataset, every(session, dataset), [second, first, second]) == [second, first]


def test_a_job_that_can_not_be_compared_is_refused_with_the_reason(session: Session, dataset: Dataset) -> None:
    runs = a_running_job(session, dataset.id, specs.ConstantSpec())
    priced = a_finished_job(session, dataset.id, specs.ConstantSpec(), Split.UNPRICED)
    elsewhere = a_finished_job(session, a_dataset(session, 50), specs.ConstantSpec())
    with pytest.raises(WrongState, match=f"Job {runs} can't be compared: it is {JobState.RUNNING}"):
        comparison.taken(dataset, every(session, dataset), [runs])
    with pytest.raises(WrongState, match="priced no test rows"):
        comparison.taken(dataset, every(session, dataset), [priced])
    with pytest.raises(NotFound, match=f"no pricing job {elsewhere}"):
        comparison.taken(dataset, every(session, dataset), [elsewhere])
