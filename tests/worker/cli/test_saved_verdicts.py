"""`pricewright recheck` says whether saved verdicts hold, and its exit code says it to scripts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from db import endpoints
from db.engine import begin
from db.errors import NotFound, NotReady
from db.types import Endpoint
from tests.builders import a_dataset
from tests.dashboard.priced import a_finished_job
from worker import specs
from worker.cli.saved_verdicts import NO_LONGER
from worker.endpoints import actions as endpoint_actions

pytestmark = pytest.mark.slow  # whole jobs


@pytest.fixture
def saved(command: Callable[..., str]) -> Callable[..., str]:
    """A saved choice that needs a model behind an endpoint which does not answer."""
    with begin() as session:
        endpoints.add(session, Endpoint("e", "http://127.0.0.1:9/v1"))
        dataset_id = a_dataset(session, 400)
        for name in ("constant", "rag"):
            model = {"model": "e:fast"} if name == "rag" else {}
            a_finished_job(session, dataset_id, specs.parse({"technique": name} | model))
    endpoint_actions.set_end("e", "fast", datetime(2099, 1, 1, tzinfo=UTC).date())
    said = command("choose", "1", "--usd-below", "1000", "--save")
    assert "Saved as verdict 1, best before 2099-01-01; `pricewright recheck` says whether it still holds." in said
    return command


def test_what_holds_ends_with_0_and_what_does_not_with_3(saved: Callable[..., str]) -> None:
    held = saved("recheck")
    assert "Verdict 1 on things, saved" in held
    assert "best before 2099-01-01" in held
    assert "  It holds." in held
    assert "Whether e:fast is still there is not known: " in held
    assert "Deciding anew would cost" in held
    endpoint_actions.set_end("e", "fast", datetime.now(UTC).date())
    broken = saved("recheck", "things", ends=NO_LONGER)
    assert "It no longer holds." in broken
    assert "e:fast was shut down on" in broken
    answer = json.loads(saved("recheck", "1", "--json", ends=NO_LONGER))
    assert (answer["holds"], answer["verdicts"][0]["holds"], answer["verdicts"][0]["id"]) == (False, False, 1)
    assert answer["verdicts"][0]["facts"]["models"] == ["e:fast"]


def test_a_verdict_that_is_not_there_is_one_sentence(saved: Callable[..., str]) -> None:
    for words in (("recheck", "--verdict", "7"), ("verdicts", "--delete", "7")):
        with pytest.raises(NotFound, match="no saved verdict 7 here"):
            saved(*words)
    saved("verdicts", "--delete", "1")
    assert "No verdict is saved" in saved("verdicts")
    with pytest.raises(NotReady, match="No verdict is saved"):
        saved("recheck")


def test_one_dataset_s_recheck_leaves_the_others_alone(saved: Callable[..., str]) -> None:
    with begin() as session:
        other = a_dataset(session, 400, name="other")
        a_finished_job(session, other, specs.ConstantSpec())
    assert json.loads(saved("compare", "other", "--save", "--json"))["saved"] == [2]
    assert [each["id"] for each in json.loads(saved("recheck", "other", "--json"))["verdicts"]] == [2]
    assert {each["id"] for each in json.loads(saved("recheck", "--json"))["verdicts"]} == {1, 2}
    with begin() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs WHERE kind = 'recheck'")) == 3
