"""Adapters, their files and the history of who moved them, on a real Postgres."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db import adapters, datasets, jobs
from db.engine import Session, begin
from db.errors import NotFound, UserError
from db.types import Adapter, AdapterState, JobState
from tests.builders import a_dataset, a_job, an_adapter
from worker import specs

A, B, C = "a" * 64, "b" * 64, "c" * 64


def promote(session: Session, adapter: Adapter) -> None:
    adapters.move(session, adapter, AdapterState.PRODUCTION, who="Ann", why="smaller error")


def test_an_adapter_comes_back_as_it_was_registered_with_its_files_and_their_size(session):
    dataset_id = a_dataset(session)
    adapter = an_adapter(session, dataset_id, task="lamps", form="quantiles")
    assert (adapter.task, adapter.form, adapter.dataset_name) == ("lamps", "quantiles", "things")
    files = adapters.files(session, A)
    assert set(files) == {"adapter_config.json", "adapter_model.safetensors"}
    assert adapter.size_bytes == sum(map(len, files.values()))
    assert adapters.all(session, dataset_id) == [adapter]


def test_the_same_weights_a_second_time_change_nothing(session):
    dataset_id = a_dataset(session)
    first = an_adapter(session, dataset_id, task="first")
    assert an_adapter(session, dataset_id, task="second") == first


def test_an_adapter_is_found_by_the_beginning_of_its_number_if_no_other_begins_so(session):
    an_adapter(session, None, id="ab" + "0" * 62)
    an_adapter(session, None, id="ac" + "0" * 62)
    assert adapters.get(session, "ab").id.startswith("ab0")
    with pytest.raises(UserError, match="More than one adapter begins with a"):
        adapters.get(session, "a")
    for nothing in ("", "x", "a%"):
        with pytest.raises(NotFound):
            adapters.get(session, nothing)


def test_the_one_before_is_retired_when_another_goes_to_production_and_both_are_written_down(session):
    first, second = (an_adapter(session, None, id=each) for each in (A, B))
    other = an_adapter(session, None, id=C, task="another task")
    for adapter in (first, other, second):
        promote(session, adapter)
    assert adapters.in_production(session, "things").id == B
    assert adapters.in_production(session, "another task").id == C
    assert adapters.get(session, A).state is AdapterState.RETIRED
    told = [(change.adapter_id, change.before, change.after) for change in adapters.history(session, task="things")]
    assert told == [
        (B, AdapterState.CANDIDATE, AdapterState.PRODUCTION),
        (A, AdapterState.PRODUCTION, AdapterState.RETIRED),
        (A, AdapterState.CANDIDATE, AdapterState.PRODUCTION),
    ]
    assert "replaced by bbbb" in adapters.history(session, adapter_id=A)[0].why


def test_two_people_who_promote_at_once_leave_one_adapter_in_production(database):
    with begin() as session:
        first, second = (an_adapter(session, None, id=each) for each in (A, B))
    with begin() as session:
        promote(session, first)

        def promote_second() -> None:
            with begin() as other:
                promote(other, second)

        thread = threading.Thread(target=promote_second)  # waits until the first one is on disk
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(30)
    with begin() as session:
        states = {adapter.id: adapter.state for adapter in adapters.all(session)}
        assert states == {A: AdapterState.RETIRED, B: AdapterState.PRODUCTION}
        assert len(adapters.history(session, task="things")) == 3


def test_the_database_itself_refuses_a_second_one_in_production(database):
    with begin() as session:
        promote(session, an_adapter(session, None, id=A))
        an_adapter(session, None, id=B)
    with pytest.raises(IntegrityError), begin() as session:
        session.execute(text("UPDATE adapters SET state = 'production'"))


def test_the_history_of_a_deleted_adapter_stays_and_its_files_go(session):
    promote(session, an_adapter(session, None))
    adapters.drop(session, A)
    assert adapters.files(session, A) == {}
    assert adapters.all(session) == []
    [change] = adapters.history(session, adapter_id=A)
    assert (change.who, change.why, change.overrides) == ("Ann", "smaller error", "")


def test_an_adapter_outlives_the_dataset_and_the_job_it_came_from(session):
    dataset_id = a_dataset(session)
    an_adapter(session, dataset_id, job_id=a_job(session, dataset_id))
    datasets.drop(session, dataset_id)
    left = adapters.get(session, A)
    assert (left.dataset_id, left.job_id, left.dataset_name) == (None, None, "things")


def test_jobs_that_price_with_an_adapter_and_are_not_over_are_known(session):
    dataset_id = a_dataset(session)
    an_adapter(session, dataset_id)
    at_work, over = (
        a_job(session, dataset_id, spec=specs.FinetunedSpec(adapter=A, readout=r)) for r in ("mean", "mode")
    )
    a_job(session, dataset_id, spec=specs.FinetunedSpec(adapter=B))
    jobs.set_state(session, over, JobState.CANCELLED, among=[JobState.RUNNING])
    members = (specs.FinetunedSpec(adapter=A), specs.RidgeSpec())
    combined = a_job(session, dataset_id, spec=specs.EnsembleSpec(members=members))
    assert adapters.jobs_at_work(session, A) == [at_work, combined]


def test_what_it_forgot_can_be_added_later(session):
    an_adapter(session, None, gate_report=None)
    assert adapters.get(session, A).gate_report is None
    adapters.set_gate_report(session, A, {"findings": [], "confidence": 0.95})
    assert adapters.get(session, A).gate_report == {"findings": [], "confidence": 0.95}
