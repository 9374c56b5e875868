"""The Audit page, and what pages show to people who may not do all."""

import pytest

from dashboard.shared import sign_in
from db import access, acting, datasets, jobs
from db.engine import begin
from db.types import JobState, Person, Role, Verb
from tests.builders import a_dataset, a_job
from tests.dashboard.conftest import Open, is_well, texts
from worker.datasets import actions as dataset_actions
from worker.jobs import actions as job_actions

pytestmark = pytest.mark.slow  # several pages

ADA, MIA, VERA = Person("ada", Role.ADMIN), Person("mia", Role.ANALYST), Person("vera", Role.VIEWER)


def sign_in_as(monkeypatch: pytest.MonkeyPatch, person: Person) -> None:
    monkeypatch.setattr(sign_in, "person", lambda: person)


@pytest.fixture
def acts(database) -> int:
    """A dataset that mia noted as hers and ada renamed into a formula."""
    with acting.acting_as(ADA), begin() as session:
        dataset_id = a_dataset(session)
        datasets.change(session, dataset_id, owner="mia", shared_with=["everybody"])
    with acting.acting_as(MIA), begin() as session:
        access.act(session, Verb.UPLOAD, datasets.get(session, dataset_id))
    with acting.acting_as(ADA):
        dataset_actions.rename(dataset_id, "=1+1")
    return dataset_id


def test_an_admin_reads_and_filters_what_everybody_did(
    open_page: Open, acts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in_as(monkeypatch, ADA)
    at = open_page("audit")
    assert is_well(at)
    table = at.dataframe[0].value
    assert (list(table["Who"]), list(table["Did"])) == (["ada", "mia"], ["rename a dataset", "upload a table"])
    assert list(table["To"]) == [f"dataset {acts}"] * 2
    at = at.selectbox[0].select("mia").run()
    assert list(at.dataframe[0].value["Who"]) == ["mia"]
    at = at.text_input[0].input("99").run()
    assert "Nobody did such a thing yet" in texts(at)


def test_everybody_else_reads_what_she_did_herself(open_page: Open, acts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in_as(monkeypatch, MIA)
    assert list(open_page("audit").dataframe[0].value["Who"]) == ["mia"]


def test_what_a_viewer_may_not_do_is_there_disabled_with_the_reason(
    open_page: Open, acts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin() as session:
        job_id = a_job(session, acts)
    sign_in_as(monkeypatch, VERA)
    at = open_page("data", dataset=str(acts))
    assert is_well(at)
    add = next(button for button in at.button if button.label == "Add a table")
    assert add.disabled
    assert add.help == "Only an analyst or an admin may upload a table; you are vera, a viewer."
    at = open_page("jobs", dataset=str(acts))
    assert is_well(at)
    for label in ("Pause", "Cancel"):
        button = at.button(key=f"{label.lower()}-{job_id}")
        assert button.disabled
        assert "you are vera, a viewer" in button.help
    sign_in_as(monkeypatch, MIA)
    button = open_page("jobs", dataset=str(acts)).button(key=f"cancel-{job_id}")
    assert not button.disabled, "it belongs to whoever owns the dataset that it serves"
    with acting.acting_as(MIA):
        job_actions.cancel(job_id)
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.CANCELLED
