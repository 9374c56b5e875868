"""Who may put an adapter into production, and how one gets out again, back, away, or onto another machine."""

import io
import zipfile

import pytest

from db import adapters, jobs
from db.acting import acting_as
from db.engine import begin
from db.errors import NotFound, NotReady, UserError, WrongState
from db.types import AdapterState, JobState, Person, Role
from tests.builders import a_dataset, a_job, a_report, an_adapter
from worker import specs
from worker.adapters import actions
from worker.adapters.actions import delete, download, promote, retire, roll_back

A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def three(database) -> None:
    """A, B and C, which forgot nothing, for the same task; each was compared with the one before it, A with C."""
    with begin() as session:
        for each, rival in ((A, C), (B, A), (C, B)):
            an_adapter(session, None, id=each, gate_report=a_report(0.0, rival=rival))


def in_production(task: str = "things") -> str:
    with begin() as session:
        found = adapters.in_production(session, task)
        return found.id[0] if found else "nothing"


def register(**changes) -> None:
    with begin() as session:
        an_adapter(session, None, **changes)


def changes_of(adapter_id: str):
    with begin() as session:
        return adapters.history(session, adapter_id=adapter_id)


def test_who_promotes_and_why_is_kept(three):
    with acting_as(Person("Ann", Role.ADMIN)):
        moved = promote("aaa", " smaller error ")
    assert (moved.id, moved.state) == (A, AdapterState.PRODUCTION)
    [change] = changes_of(A)
    assert (change.who, change.why, change.overrides) == ("Ann", "smaller error", "")
    with pytest.raises(WrongState, match="in production already"):
        promote("aaa", "again")
    with pytest.raises(UserError, match="Say why"):
        promote("bbb", "  ")


def test_a_forgetful_adapter_is_refused_with_what_fell_and_by_how_much(database):
    register(gate_report=a_report(0.4))
    with pytest.raises(UserError, match="Perplexity on neutral prose rose by 40 %.*override the gate"):
        promote(A, "smaller error")
    assert in_production() == "nothing"
    assert changes_of(A) == []


def test_an_override_needs_a_reason_and_both_are_kept_with_the_objection(database):
    register(gate_report=a_report(0.4))
    with pytest.raises(UserError, match="override"):
        promote(A, "smaller error", override=" ")
    promote(A, "Smaller error.", override="It prices nothing but lamps.")
    [change] = changes_of(A)
    assert change.why == "Smaller error. Against the gate: It prices nothing but lamps."
    assert change.overrides.startswith("Perplexity on neutral prose rose by 40 %")


def test_an_adapter_that_was_not_compared_with_the_one_in_production_is_refused(three):
    promote(A, "smaller error")
    with pytest.raises(UserError, match="Adapter aaaaaaaaaaaa went to production after this one was measured.*again"):
        promote(C, "smaller still")
    promote(B, "compared with A")
    assert in_production() == "b"


def test_measuring_again_needs_the_dataset_and_happens_once_at_a_time(three):
    with pytest.raises(NotReady, match="dataset of adapter aaaaaaaaaaaa was deleted"):
        actions.measure(A)
    with begin() as session:
        adapter = an_adapter(session, a_dataset(session), id="d" * 64)
    job_id = actions.measure(adapter.id)
    assert actions.measure(adapter.id) == job_id
    with pytest.raises(WrongState, match=f"in use by job {job_id}"):
        delete(adapter.id)


def test_an_adapter_of_which_nothing_is_known_is_refused_too(database):
    register(id=A, gate_report=None)
    register(id=B, gate_report={"findings": [], "confidence": 0.95})
    for each, sentence in ((A, "was not measured yet"), (B, "could be measured")):
        with pytest.raises(UserError, match=sentence):
            promote(each, "smaller error")


def test_an_override_that_was_not_needed_leaves_no_objection_behind(three):
    promote(A, "smaller error", override="to be sure")
    [change] = changes_of(A)
    assert (change.why, change.overrides) == ("smaller error", "")


def test_a_retired_adapter_leaves_its_task_without_one_and_can_come_back(three):
    promote(A, "first")
    assert retire(A, "wrong on lamps").state is AdapterState.RETIRED
    assert in_production() == "nothing"
    with pytest.raises(WrongState, match="retired already"):
        retire(A, "again")
    promote(A, "lamps are right now")
    assert in_production() == "a"


def test_rolling_back_goes_one_step_further_each_time(three):
    for each in (A, B, C):
        promote(each, "better")
    assert roll_back("things", "C is wrong").id == B
    assert roll_back("things", "so is B").id == A
    assert changes_of(A)[0].why == "rolled back: so is B"
    with pytest.raises(NotReady, match="No other adapter was in production"):
        roll_back("things", "and A")
    assert in_production() == "a"


def test_after_going_back_and_on_again_the_way_back_is_the_same(three):
    for each in (A, B):
        promote(each, "better")
    roll_back("things", "B is wrong")
    promote(C, "better", override="It was compared with B, which was compared with A.")
    assert roll_back("things", "C is wrong").id == A


def test_rolling_back_passes_over_adapters_that_were_deleted(three):
    for each in (A, B, C):
        promote(each, "better")
    delete(B)
    assert roll_back("things", "C is wrong").id == A


def test_without_one_in_production_there_is_nothing_to_roll_back(three):
    with pytest.raises(NotReady, match="No adapter is in production for 'things'"):
        roll_back("things", "why not")


def test_an_adapter_in_use_is_not_deleted_and_its_history_outlives_it(three):
    promote(A, "better")
    with pytest.raises(WrongState, match="in production for 'things'; retire it first"):
        delete(A)
    retire(A, "worse")
    with begin() as session:
        job_id = a_job(session, a_dataset(session), spec=specs.FinetunedSpec(adapter=A))
    with pytest.raises(WrongState, match=f"in use by job {job_id}"):
        delete(A)
    with begin() as session:
        jobs.set_state(session, job_id, JobState.CANCELLED, among=[JobState.RUNNING])
    delete(A)
    with pytest.raises(NotFound):
        delete(A)
    assert [change.why for change in changes_of(A)] == ["worse", "better"]


def test_an_adapter_whose_own_job_still_measures_it_is_not_deleted(database):
    with begin() as session:
        dataset_id = a_dataset(session)
        job_id = a_job(session, dataset_id)
        an_adapter(session, dataset_id, job_id=job_id)
    with pytest.raises(WrongState, match=f"in use by job {job_id}"):
        delete(A)


def test_a_download_is_the_folder_that_peft_reads_with_its_card_the_same_each_time(three):
    promote(A, "better | by far")
    packed = download("aaa")
    assert download("aaa") == packed
    with zipfile.ZipFile(io.BytesIO(packed)) as folder:
        names = {name.partition("/")[2] for name in folder.namelist()}
        text = folder.read(f"{A[:12]}/README.md").decode()
        assert folder.read(f"{A[:12]}/adapter_model.safetensors") == b"weights"
    assert names == {"README.md", "adapter_config.json", "adapter_model.safetensors"}
    assert "better \\| by far" in text
    assert text == actions.card(A)


def test_weights_that_stay_with_their_endpoint_can_not_be_downloaded(database):
    register(base_hash="", model="e:tuned")
    with pytest.raises(UserError, match="stay with its endpoint"):
        download(A)
    assert "asked as `e:tuned`" in actions.card(A)
