"""Names, notes, the archive, and what is told before something is deleted."""

import pytest
from sqlalchemy import text

from db import analytics, datasets, jobs, predictions, price_decisions
from db.engine import begin
from db.errors import NotFound, UserError, WrongState
from db.types import Split
from tests.builders import a_dataset, an_adapter
from tests.dashboard.priced import a_finished_job, a_running_job
from worker import specs
from worker.datasets import actions, dependents
from worker.jobs import actions as job_actions
from worker.pricing import comparison


def test_what_hangs_on_a_dataset_is_counted_and_what_stays_is_told(database):
    with begin() as session:
        dataset_id, other = a_dataset(session, 100), a_dataset(session, 100)
        for each in (dataset_id, dataset_id, other):
            a_finished_job(session, each, specs.ConstantSpec())
        an_adapter(session, dataset_id)
        price_decisions.put(session, dataset_id, 1, "fix", 9.0)
        price_decisions.apply(session, dataset_id, "curated")
        query = "INSERT INTO saved_verdicts (dataset_id, facts) VALUES (:id, CAST(:facts AS jsonb))"
        session.execute(text(query), {"id": dataset_id, "facts": '{"jobs": [1]}'})
    assert dependents.told(actions.depending(dataset_id)) == [
        "With it go 20 predictions, 2 jobs, 1 saved verdict and 1 decision about a price.",
        "Without it stay 1 adapter that learned from it and 1 version that was made from it.",
    ]
    assert dependents.told(job_actions.depending(1)) == [
        "With it go 10 predictions.",
        "Without it stays 1 saved verdict that rests on it.",
    ]
    actions.delete_dataset(dataset_id)
    with begin() as session:
        assert [job.dataset_id for job in jobs.all(session)] == [other]
        assert session.scalar(text("SELECT count(*) FROM adapters")) == 1
        assert [each.id for each in datasets.all(session)] == [3, other]
    with pytest.raises(NotFound):
        actions.depending(dataset_id)


def test_an_empty_dataset_has_nothing_that_depends_on_it(database):
    with begin() as session:
        dataset_id = a_dataset(session, 10)
    assert dependents.told(actions.depending(dataset_id)) == ["Nothing depends on it."]


def test_a_job_goes_with_all_that_it_left_and_its_neighbours_stay(database):
    with begin() as session:
        dataset_id = a_dataset(session, 100)
        gone, kept = (a_finished_job(session, dataset_id, spec()) for spec in (specs.ConstantSpec, specs.RidgeSpec))
        path = analytics.snapshot(session, gone, "1")
    job_actions.delete(gone)
    assert not path.exists()
    with begin() as session:
        assert [job.id for job in jobs.all(session, dataset_id)] == [kept]
        assert predictions.of_job(session, gone).is_empty()
        assert len(predictions.of_job(session, kept)) == 10
    with pytest.raises(NotFound):
        job_actions.delete(gone)


def test_a_job_at_work_is_neither_deleted_nor_archived(database):
    with begin() as session:
        job_id = a_running_job(session, a_dataset(session, 100), specs.ConstantSpec())
    for verb, word in ((job_actions.delete, "deleted"), (job_actions.archive, "archived")):
        with pytest.raises(WrongState, match=f"can't be {word}: it is running"):
            verb(job_id)


def test_names_notes_and_the_archive_are_kept_and_taken_back(database):
    with begin() as session:
        dataset_id = a_dataset(session, 100)
        job_id = a_finished_job(session, dataset_id, specs.ConstantSpec(), Split.TEST)
    actions.rename(dataset_id, " May ")
    job_actions.rename(job_id, "the plain one")
    for verbs, its_id, get in ((actions, dataset_id, datasets.get), (job_actions, job_id, jobs.get)):
        verbs.describe(its_id, "from the shop ")
        verbs.archive(its_id)
        with begin() as session:
            kept = get(session, its_id)
            assert comparison.comparable(jobs.all(session)) == [] or verbs is actions
        assert (kept.name, kept.description) == ("May" if verbs is actions else "the plain one", "from the shop")
        assert kept.archived_at is not None
        verbs.restore(its_id)
        with begin() as session:
            assert get(session, its_id).archived_at is None
    with pytest.raises(UserError, match="needs a name"):
        actions.rename(dataset_id, "  ")
    for verb in (actions.archive, job_actions.restore):
        with pytest.raises(NotFound):
            verb(99)
