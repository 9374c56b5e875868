"""The demo: part after part, from wherever it was left, and nothing that a person gave up or did not want."""

import pytest

from db import datasets, jobs
from db.engine import begin
from db.types import DatasetState, JobKind, JobState
from tests.builders import a_dataset, an_adapter
from worker import specs
from worker.server import demo

pytestmark = pytest.mark.stack


@pytest.fixture
def loaded(database: str, broker: None) -> int:
    """The loaded demo catalogue; its id."""
    with begin() as session:
        dataset_id = a_dataset(session)
        datasets.change(session, dataset_id, is_synthetic=True)
    return dataset_id


def every(dataset_id: int, kind: JobKind) -> list[str]:
    """What jobs of a kind do, in the order they were started."""
    with begin() as session:
        return [job.technique or str(job.kind) for job in reversed(jobs.all(session, dataset_id, kind))]


def end(dataset_id: int, kind: JobKind, state: JobState = JobState.DONE) -> None:
    with begin() as session:
        for job in jobs.all(session, dataset_id, kind):
            jobs.set_state(session, job.id, state, among=[JobState.RUNNING])


def test_the_demo_goes_on_from_wherever_an_earlier_start_was_stopped(database: str, broker: None) -> None:
    assert not demo.advance()  # uploaded; a worker would look at it now
    assert not demo.advance()
    with begin() as session:
        [dataset] = datasets.all(session)
        columns = {"columns": ["name", "price"], "mapping": {"title": "name"}}
        datasets.change(session, dataset.id, state=DatasetState.INSPECTED, inspection=columns)
    assert dataset.is_synthetic
    assert not demo.advance()
    assert not demo.advance()
    with begin() as session:
        assert datasets.get(session, dataset.id).state is DatasetState.LOADING
        assert jobs.latest(session, dataset.id, JobKind.LOAD)


def test_it_is_priced_with_every_default_technique_once_then_trained_on_then_priced_fine_tuned(loaded: int) -> None:
    defaults = sorted(spec.technique for spec in specs.defaults())
    for _ in range(2):
        assert not demo.advance()
        assert sorted(every(loaded, JobKind.PRICE)) == defaults
        assert every(loaded, JobKind.FINETUNE) == []

    end(loaded, JobKind.PRICE)
    for _ in range(2):
        assert not demo.advance()
        assert len(every(loaded, JobKind.FINETUNE)) == 1

    end(loaded, JobKind.FINETUNE)
    with begin() as session:
        [training] = jobs.all(session, loaded, JobKind.FINETUNE)
        an_adapter(session, loaded, job_id=training.id)
    for _ in range(2):
        assert demo.advance()
        assert every(loaded, JobKind.PRICE)[-1] == "finetuned"
        assert len(every(loaded, JobKind.PRICE)) == len(defaults) + 1


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.FAILED])
def test_a_training_that_was_given_up_is_not_started_again(loaded: int, state: JobState) -> None:
    demo.advance()
    end(loaded, JobKind.PRICE)
    demo.advance()
    end(loaded, JobKind.FINETUNE, state)
    assert demo.advance()
    assert len(every(loaded, JobKind.FINETUNE)) == 1
    assert "finetuned" not in every(loaded, JobKind.PRICE)


def test_a_table_of_her_own_does_not_wait_for_the_demos_training(loaded: int) -> None:
    demo.advance()
    end(loaded, JobKind.PRICE)
    with begin() as session:
        a_dataset(session)
    assert demo.advance()
    assert every(loaded, JobKind.FINETUNE) == []


def test_whoever_has_a_table_of_her_own_gets_no_demo(database: str) -> None:
    with begin() as session:
        a_dataset(session)
    assert demo.advance()
    with begin() as session:
        assert len(datasets.all(session)) == 1
        assert jobs.all(session) == []
