"""Endpoints, prompts and knowledge bases: archived they are offered no more, and what is needed is not deleted."""

import pytest
from sqlalchemy import text

from db import endpoints, jobs
from db.engine import begin
from db.errors import NotFound, NotReady, WrongState
from db.knowledge import bases
from db.types import Endpoint, JobState, Split
from tests.builders import a_dataset, an_adapter
from tests.dashboard.priced import a_finished_job, a_running_job
from worker import specs
from worker.datasets import dependents
from worker.endpoints import actions as endpoint_actions
from worker.jobs import actions as job_actions
from worker.knowledge import actions as knowledge_actions
from worker.pricing import actions as pricing_actions
from worker.prompts import actions as prompt_actions
from worker.race import actions as race_actions
from worker.specs import ConstantSpec, RidgeSpec
from worker.specs.race import Margin

ASKS = specs.ZeroShotSpec(model="there:fast")


@pytest.fixture
def dataset_id(database: str) -> int:
    with begin() as session:
        endpoints.add(session, Endpoint("there", "http://127.0.0.1:9/v1"))
        endpoints.add(session, Endpoint("the", "http://127.0.0.1:9/v1"))  # a name that others begin with
        return a_dataset(session, 200)


def test_an_endpoint_is_kept_for_a_job_at_work_and_goes_without_it(dataset_id: int) -> None:
    with begin() as session:
        job_id = a_running_job(session, dataset_id, ASKS)
    assert endpoint_actions.needed("there") == (
        "there can't be removed, because of 1 job not over yet; archive it, and its models are offered no more."
    )
    with pytest.raises(WrongState, match="1 job not over yet"):
        endpoint_actions.remove("there")
    assert endpoint_actions.needed("the") == ""
    with begin() as session:
        jobs.set_state(session, job_id, JobState.CANCELLED, among=[JobState.RUNNING])
    assert dependents.told(endpoint_actions.depending("there")) == ["Without it stays 1 job that asked it."]
    endpoint_actions.remove("there")
    with pytest.raises(NotFound):
        endpoint_actions.depending("there")


def test_an_endpoint_is_kept_for_its_adapters_and_for_pricers_that_are_not_retired(dataset_id: int) -> None:
    with begin() as session:
        an_adapter(session, dataset_id, model="there:tuned", base="there:tuned")
        job_id = a_finished_job(session, dataset_id, ASKS)
        session.execute(
            text(
                "INSERT INTO pricers (name, version, state, spec, spec_hash, source_id, source_fingerprint, promise, "
                "created_by) SELECT 'p', 1, 'in use', spec, spec_hash, dataset_id, '', '{}', 'me' FROM jobs "
                "WHERE id = :job"
            ),
            {"job": job_id},
        )
    assert "because of 1 adapter lying there and 1 pricer asking it" in endpoint_actions.needed("there")
    with begin() as session:
        session.execute(text("UPDATE pricers SET state = 'retired'"))
        session.execute(text("DELETE FROM adapters"))
    assert endpoint_actions.needed("there") == ""


def test_an_archived_endpoint_keeps_its_note_and_comes_back(dataset_id: int) -> None:
    endpoint_actions.describe("there", " ours ")
    endpoint_actions.archive("there")
    with begin() as session:
        kept = endpoints.get(session, "there")
    assert kept.description == "ours"
    assert kept.archived_at is not None
    endpoint_actions.restore("there")
    with begin() as session:
        assert endpoints.get(session, "there").archived_at is None


def test_a_prompt_that_a_job_names_is_archived_and_not_deleted(dataset_id: int) -> None:
    prompt_actions.save("own", "", "What is this worth? {{ product }} It is worth $")
    prompt_actions.save("ow", "", "Name a price. {{ product }} The price is $")  # a name that the other begins with
    with begin() as session:
        a_finished_job(session, dataset_id, ASKS.model_copy(update={"prompt": "own@1"}))
    assert "because of 1 job naming it" in prompt_actions.needed("own")
    with pytest.raises(WrongState, match="Archive it instead"):
        prompt_actions.delete("own")
    prompt_actions.archive("own")
    assert "own" not in {prompt.name for prompt in prompt_actions.every()}
    assert prompt_actions.get("own@1").archived_at is not None  # whoever names it still has it
    prompt_actions.save("own", "", "What does it cost? {{ product }} It costs $")
    assert [prompt.version for prompt in prompt_actions.every() if prompt.name == "own"] == [2, 1]
    prompt_actions.delete("ow")
    assert "ow" not in {prompt.name for prompt in prompt_actions.every(archived=True)}


@pytest.mark.parametrize("act", [prompt_actions.archive, prompt_actions.delete])
def test_prompts_that_come_with_it_stay(dataset_id: int, act) -> None:
    with pytest.raises(WrongState, match="techniques ask with it"):
        act("question")


def test_a_knowledge_base_goes_with_what_it_holds(dataset_id: int) -> None:
    with pytest.raises(NotReady):
        knowledge_actions.depending(dataset_id)
    with begin() as session:
        base = bases.ensure(session, dataset_id, "words")
        session.execute(
            text(
                "INSERT INTO knowledge_items "
                "(base_id, key, source, title, description, category, brand, price, text_hash) "
                "VALUES (:base, 'new-1', 'file', 'Lamp', '', '', '', 5, 'x'), "
                "(:base, 'row:1', 'train', 'Sofa', '', '', '', 5, 'y')"
            ),
            {"base": base.id},
        )
    (said,) = dependents.told(knowledge_actions.depending(dataset_id))
    assert "1 item from the train side, of which it is built again" in said
    assert "1 item from files and other datasets, lost for good" in said
    with begin() as session:
        job_id = a_running_job(session, dataset_id, ConstantSpec())
    with pytest.raises(WrongState, match="1 job not over yet"):
        knowledge_actions.delete(dataset_id)
    job_actions.cancel(job_id)
    knowledge_actions.delete(dataset_id)
    with begin() as session:
        assert bases.of(session, dataset_id) is None


def test_an_archived_race_that_is_asked_for_again_is_offered_again(dataset_id: int) -> None:
    planned, margin = [ConstantSpec(), RidgeSpec()], Margin(0.02, is_share=True)
    with begin() as session:
        dataset_id = a_dataset(session, 500)
    race_id = race_actions.start(dataset_id, planned, margin)
    job_actions.cancel(race_id)
    with begin() as session:
        jobs.change(session, race_id, state=JobState.DONE)
    job_actions.archive(race_id)
    assert race_actions.start(dataset_id, planned, margin) == race_id
    with begin() as session:
        assert jobs.get(session, race_id).archived_at is None
    assert pricing_actions.estimate(dataset_id, planned, Split.TEST)
