"""Saved verdicts on the pages: kept with a click, rechecked and forgotten by number, what is gone told beside them."""

from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from db import endpoints
from db.engine import begin
from db.types import Endpoint, EndpointModel
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_finished_job
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker import specs
from worker.endpoints import actions as endpoint_actions
from worker.saved_verdicts import actions, facts

pytestmark = pytest.mark.slow  # many pages

TODAY = datetime.now(UTC).date()


def click(at: AppTest, key: str) -> AppTest:
    return at.button(key=key).click().run()


@pytest.fixture
def hosted(database: str) -> int:
    """A dataset that a model behind an endpoint, which answers nothing now, priced best."""
    with begin() as session:
        endpoints.add(session, Endpoint("e", "http://127.0.0.1:9/v1"))
        endpoints.set_models(session, "e", [EndpointModel("fast")])
        dataset_id = a_dataset(session, 400)
        for name in ("constant", "rag"):
            model = {"model": "e:fast"} if name == "rag" else {}
            a_finished_job(session, dataset_id, specs.parse({"technique": name} | model))
    return dataset_id


def test_a_verdict_is_kept_with_a_click_rechecked_and_forgotten_by_its_number(
    open_page: Open, hosted: int, sent: list[int]
) -> None:
    at = open_page("tradeoffs")
    assert "Saved verdicts" not in texts(at)
    at = click(at, "save-verdict")
    assert is_well(at)
    assert "Kept as verdict 1" in texts(at)
    assert texts(at).count("is best on mean error") == 2
    assert "Not rechecked yet" in texts(at)
    at = click(at, "recheck-one-1")
    assert is_well(at)
    assert any(button.key == "recheck-one-1" and button.disabled for button in at.button)
    drain(sent)
    at.run()
    assert is_well(at)
    assert "It held on" in texts(at)
    assert "Deciding anew would cost" in texts(at)
    at = click(at, "forget-1")
    assert "Saved verdicts" not in texts(at)
    assert actions.kept() == []


def test_what_is_saved_is_the_choice_of_a_limit_where_one_is_set(open_page: Open, hosted: int) -> None:
    at = open_page("tradeoffs")
    at.number_input(key="limit-usd").set_value(0.0).run()
    assert at.button(key="save-verdict").disabled, "nothing costs nothing"
    at.number_input(key="limit-usd").set_value(0.001).run()
    at = click(at, "save-verdict")
    assert is_well(at)
    (saved,) = actions.kept(hosted)
    kept = facts.parse(saved.facts)
    assert (kept.question, kept.chosen.label, kept.usd_limit) == ("best", "Category median", 0.001)


def test_what_is_gone_is_told_beside_the_verdict_before_and_after_a_recheck(
    open_page: Open, hosted: int, sent: list[int]
) -> None:
    endpoint_actions.set_end("e", "fast", TODAY + timedelta(days=30))
    at = click(open_page("tradeoffs"), "save-verdict")
    assert f"**best before {TODAY + timedelta(days=30)}**, in 30 days" in texts(at)
    endpoint_actions.set_end("e", "fast", TODAY)
    at.run()
    assert "A model that it needs was shut down on" in texts(at).replace("\\", "")
    click(at, f"recheck-{hosted}")
    drain(sent)
    at.run()
    assert "**It no longer holds**" in texts(at)
    assert at.error[-1].value.count("shut down on") == 1


def test_the_day_on_which_a_model_ends_is_entered_and_taken_back(open_page: Open, hosted: int) -> None:
    at = open_page("endpoints")
    for day in (TODAY + timedelta(days=400), None):
        field = next(each for each in at.date_input if each.label == "Shuts down on")
        field.set_value(day)
        next(button for button in at.button if button.label == "Set this day").click().run()
        assert is_well(at)
        with begin() as session:
            known = endpoints.get(session, "e").model("fast")
        assert (known.shutdown_date, known.is_end_entered) == (day.isoformat() if day else None, day is not None)
