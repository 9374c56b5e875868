"""Verbs as people of each role meet them: what is refused changes nothing, what is done is noted with its money."""

import io
from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import text

from db import acting, audit, datasets, jobs
from db.engine import begin
from db.errors import NotAllowed
from db.settings import settings
from db.types import JobState, Person, Role, Verb
from tests.builders import a_dataset, an_adapter
from worker import specs
from worker.adapters import actions as adapter_actions
from worker.datasets import actions as dataset_actions
from worker.endpoints import actions as endpoint_actions
from worker.jobs import actions as job_actions
from worker.pricing import actions as pricing_actions
from worker.prompts import actions as prompt_actions

MIA, TOM = Person("mia", Role.ANALYST), Person("tom", Role.ANALYST)
VERA, ADA = Person("vera", Role.VIEWER), Person("ada", Role.ADMIN)


@pytest.fixture
def hers(database, sent) -> int:
    """A dataset of mia's, which everybody sees."""
    with begin() as session:
        dataset_id = a_dataset(session)
        datasets.change(session, dataset_id, owner="mia", shared_with=["everybody"])
    return dataset_id


def verbs() -> list[tuple[str, str]]:
    with begin() as session:
        return list(reversed(audit.rows(session).select("person", "verb").rows()))


def test_whose_it_is_and_admins_change_a_dataset_and_nobody_else(hers: int) -> None:
    for other in (TOM, VERA):
        with acting.acting_as(other):
            for verb in (dataset_actions.archive, dataset_actions.delete_dataset):
                with pytest.raises(NotAllowed, match="Only (mia, whose it is, or )?an admin may"):
                    verb(hers)
            with pytest.raises(NotAllowed):
                dataset_actions.rename(hers, "stolen")
    with begin() as session:
        assert (datasets.get(session, hers).name, datasets.get(session, hers).archived_at) == ("things", None)
    assert verbs() == []
    with acting.acting_as(MIA):
        dataset_actions.rename(hers, "lamps")
    with acting.acting_as(ADA):
        dataset_actions.delete_dataset(hers)
    assert verbs() == [("mia", "dataset.rename"), ("ada", "dataset.delete")]


def test_others_price_what_they_see_and_their_jobs_are_their_own(hers: int) -> None:
    with acting.acting_as(VERA), pytest.raises(NotAllowed, match="may start a job; you are vera, a viewer"):
        pricing_actions.start(hers, [specs.ConstantSpec()])
    with acting.acting_as(TOM):
        [job_id] = pricing_actions.start(hers, [specs.ConstantSpec()])
    with begin() as session:
        assert jobs.get(session, job_id).owner == "tom"
        [act] = audit.rows(session).to_dicts()
    assert (act["verb"], act["thing"]) == ("job.start", str(job_id))
    assert act["details"] == f"kind: price, dataset: {hers}, technique: constant"
    with acting.acting_as(MIA), pytest.raises(NotAllowed, match="Only tom, whose it is, or an admin may cancel a job"):
        job_actions.cancel(job_id)
    with acting.acting_as(TOM):
        job_actions.pause(job_id)
    with acting.acting_as(ADA):
        job_actions.cancel(job_id)
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.CANCELLED


def test_endpoints_tariffs_and_models_of_ones_own_are_an_admins(hers: int) -> None:
    with acting.acting_as(MIA):
        with pytest.raises(NotAllowed, match="Only an admin may add an endpoint; you are mia, an analyst"):
            endpoint_actions.add("there", base_url="http://127.0.0.1:9/v1")
        for model in ("/etc", "someone/model"):
            with pytest.raises(NotAllowed, match="use a model by its folder or its name on a hub"):
                pricing_actions.start(hers, [specs.ZeroShotSpec(model=model)])
    with acting.acting_as(ADA):
        endpoint_actions.add("there", base_url="http://127.0.0.1:9/v1")
    with acting.acting_as(MIA):
        with pytest.raises(NotAllowed):
            endpoint_actions.change("there", base_url="http://127.0.0.1:10/v1")
        with pytest.raises(NotAllowed):
            endpoint_actions.set_price("there", "fast", input=0, output=0)
    assert verbs() == [("ada", "endpoint.add")]


@pytest.fixture
def a_limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PRICEWRIGHT_CAP_LIMIT_USD", "2")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def test_a_job_that_pays_has_a_cap_of_the_limit_at_most(hers: int, a_limit: None) -> None:
    with acting.acting_as(ADA):
        endpoint_actions.add("there", base_url="http://127.0.0.1:9/v1")
        endpoint_actions.set_price("there", "fast", input=1, output=1)
    spec = specs.ZeroShotSpec(model="there:fast")
    with acting.acting_as(MIA):
        with pytest.raises(NotAllowed, match=r"The limit is \$2.00 a job"):
            pricing_actions.start(hers, [spec], cap_usd=Decimal(3))
        [job_id] = pricing_actions.start(hers, [spec])
    with begin() as session:
        assert jobs.get(session, job_id).cap_usd == 2
        assert audit.rows(session, verb=Verb.START_JOB)["usd"].to_list() == [2.0]
    job_actions.pause(job_id)
    with acting.acting_as(MIA), pytest.raises(NotAllowed, match="The limit is"):
        job_actions.resume(job_id, Decimal(5))
    with acting.acting_as(ADA):
        job_actions.resume(job_id, Decimal(5))


def test_promoting_is_for_whose_it_is_and_whose_is_replaced(hers: int) -> None:
    with begin() as session:
        for owner, number in (("mia", "a" * 64), ("tom", "b" * 64)):
            an_adapter(session, hers, id=number)
            session.execute(text("UPDATE adapters SET owner = :o WHERE id = :i"), {"o": owner, "i": number})
    with acting.acting_as(TOM), pytest.raises(NotAllowed, match="promote an adapter"):
        adapter_actions.promote("a" * 64, "better", override="sure")
    with acting.acting_as(MIA):
        adapter_actions.promote("a" * 64, "better", override="sure")
    with acting.acting_as(TOM), pytest.raises(NotAllowed, match="Only mia, whose it is, or an admin may retire"):
        adapter_actions.promote("b" * 64, "mine", override="sure")
    with acting.acting_as(ADA):
        adapter_actions.promote("b" * 64, "better still", override="sure")


def test_a_prompt_gets_versions_from_whose_it_is_alone(hers: int) -> None:
    with acting.acting_as(MIA):
        prompt_actions.save("lamps", "", "{{ title }} costs $")
        with pytest.raises(NotAllowed, match="save a version of a prompt"):
            prompt_actions.save("question", "", "{{ title }} costs $")  # everybody's jobs ask with it
    with acting.acting_as(VERA), pytest.raises(NotAllowed):
        prompt_actions.save("mine", "", "{{ title }} costs $")


def test_uploads_end_where_a_person_may_store_no_more(hers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICEWRIGHT_STORED_GB_PER_PERSON", "0.000001")
    settings.cache_clear()
    with acting.acting_as(MIA):
        with pytest.raises(NotAllowed, match="of uploaded files"):
            dataset_actions.upload("large.csv", io.BytesIO(b"title,price\n" + b"lamp,9\n" * 1000))
        dataset_actions.upload("small.csv", io.BytesIO(b"title,price\nlamp,9\n"))
    with acting.acting_as(VERA), pytest.raises(NotAllowed, match="may upload a table"):
        dataset_actions.upload("small.csv", io.BytesIO(b"title,price\nlamp,9\n"))
    assert list(settings().files_dir.glob("upload-*")) == []
    monkeypatch.undo()
    settings.cache_clear()
