"""A check of verdicts from its start to its sentences, with the test as the worker."""

import pytest

from db import jobs
from db.engine import begin
from db.errors import NotReady
from db.types import JobState
from tests.builders import a_dataset
from tests.dashboard.priced import a_priced_dataset
from tests.worker.conftest import drain
from worker.jobs import actions as job_actions
from worker.pricing import comparison
from worker.verdicts import actions


@pytest.fixture
def priced(database: str) -> tuple[int, list[int]]:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        a_priced_dataset(session, dataset_id, ("constant", "ridge", "neighbours"))
        return dataset_id, [job.id for job in comparison.comparable(jobs.all(session, dataset_id))]


def test_a_check_counts_false_and_found_losers_and_says_so(priced: tuple[int, list[int]], sent: list[int]) -> None:
    dataset_id, job_ids = priced
    check = actions.start(dataset_id, job_ids, "mae", rounds=50)
    drain(sent)
    found = actions.report(check)
    assert found is not None
    assert (found.techniques, found.rows) == (3, 40)
    assert [each.worse for each in found.simulated] == [0.0, 0.05, 0.1, 0.2]
    assert all(0 <= each.share <= 1 and each.error > 0 and each.rounds == 50 for each in found.simulated)
    first, *others = actions.sentences(found, 0.95)
    assert "50 comparisons of 3 truly equal techniques on your 40 rows" in first
    assert len(others) == 3


def test_the_same_question_is_asked_once_and_a_cancelled_one_again(
    priced: tuple[int, list[int]], sent: list[int]
) -> None:
    dataset_id, job_ids = priced
    first = actions.start(dataset_id, job_ids, "mae", rounds=50)
    assert actions.start(dataset_id, job_ids[::-1], "mae", rounds=50) == first
    assert actions.start(dataset_id, job_ids, "rmsle", rounds=50) != first
    job_actions.cancel(first)
    with begin() as session:
        assert jobs.get(session, first).state is JobState.CANCELLED
    assert actions.start(dataset_id, job_ids, "mae", rounds=50) != first


def test_one_technique_is_no_comparison_however_often_it_ran(database: str, sent: list[int]) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400)
        a_priced_dataset(session, dataset_id, ("ridge",))
        job_ids = [job.id for job in jobs.all(session, dataset_id)]
    with pytest.raises(NotReady, match="at least two techniques"):
        actions.start(dataset_id, job_ids, "mae")
