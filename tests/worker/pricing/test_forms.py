"""A technique that was mended is another one: what its older form answered is not taken for its answers."""

import pytest

from db import jobs, predictions
from db.engine import begin
from db.types import Split
from tests.builders import a_dataset
from tests.dashboard.priced import a_finished_job
from worker import specs
from worker.jobs import actions as job_actions
from worker.pricing import actions
from worker.specs import ConstantSpec, EnsembleSpec

SPEC = ConstantSpec()


@pytest.fixture
def done(database: str) -> tuple[int, int]:
    """A dataset, and the job that priced its test rows."""
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        return dataset_id, a_finished_job(session, dataset_id, SPEC)


def started(dataset_id: int) -> int:
    return actions.start(dataset_id, [SPEC], Split.TEST)[0]


def test_the_same_form_is_the_same_job(done: tuple[int, int]) -> None:
    dataset_id, job_id = done
    assert started(dataset_id) == job_id
    assert actions.estimate(dataset_id, [SPEC], Split.TEST)[0].reuses == job_id


def test_another_form_is_another_job(done: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    dataset_id, job_id = done
    monkeypatch.setattr(ConstantSpec, "fit_form", ConstantSpec.fit_form + 1)
    assert actions.estimate(dataset_id, [SPEC], Split.TEST)[0].reuses is None
    assert started(dataset_id) != job_id


def test_a_combination_takes_no_answers_of_an_older_form(
    done: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, job_id = done
    with begin() as session:
        rows = predictions.of_jobs(session, [job_id])["row"].to_list()
        assert len(predictions.stored(session, dataset_id, SPEC.fit_key, rows)) == len(rows)
        ensemble = EnsembleSpec(members=(SPEC, specs.RidgeSpec()))
        before = ensemble.fit_key
        monkeypatch.setattr(ConstantSpec, "fit_form", ConstantSpec.fit_form + 1)
        assert predictions.stored(session, dataset_id, SPEC.fit_key, rows).is_empty()
        assert predictions.unanswered(session, dataset_id, SPEC.fit_key, rows) == rows
        assert ensemble.fit_key != before  # it is made of another member now


def test_a_job_of_a_version_that_kept_no_form_is_another_one(done: tuple[int, int]) -> None:
    dataset_id, job_id = done
    with begin() as session:
        jobs.change(session, job_id, fit_key="")
    assert started(dataset_id) != job_id


def test_an_archived_job_that_is_taken_again_is_offered_again(done: tuple[int, int]) -> None:
    dataset_id, job_id = done
    job_actions.archive(job_id)
    assert started(dataset_id) == job_id
    with begin() as session:
        assert jobs.get(session, job_id).archived_at is None
