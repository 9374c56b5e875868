"""A model behind an endpoint gives distributions where it can, notices what is ignored, and never pays twice."""

import json
import math
from typing import Any

import pytest

from db import completions, endpoints
from db.engine import begin
from db.errors import NotFound, NotReady
from tests.fake_openai.settings import Model
from tests.worker.llm.endpoint.calls import Watched, hosted, paying_jobs, some
from worker.llm.base import LEVELS, Prompt, Readout, Tool
from worker.llm.endpoint.model import PaidModel
from worker.specs.price_bounds import Bounds

pytestmark = [pytest.mark.usefixtures("database", "forked_couriers"), pytest.mark.stack]


def _abilities(model: str = "fast") -> dict[str, Any]:
    with begin() as session:
        return endpoints.get(session, "e").model(model).abilities


@pytest.mark.parametrize("model", ["fast", "fast-digits", "fast-cents", "fast-words"])
def test_a_price_comes_with_its_distribution_however_numbers_are_tokenised(model):
    with hosted((model,)):
        progress = Watched()

        readings = PaidModel(f"e:{model}").price(some(5), Readout(), progress)

    for reading in readings:
        assert reading.error is None
        assert len(reading.quantiles) == len(LEVELS)
        assert list(reading.quantiles) == sorted(reading.quantiles)
        assert reading.quantiles[0] <= reading.statistics["median"] <= reading.quantiles[-1]
        assert sum(reading.evidence["likeliest"].values()) <= 1.01
        assert reading.spent.usd == pytest.approx((reading.spent.tokens_in + 2 * reading.spent.tokens_out) / 1e6)
    assert progress.done == 5
    assert progress.reserved[-1] == 0


def test_a_stored_answer_costs_nothing_and_books_what_it_saves():
    one, other = paying_jobs(2)
    with hosted() as server:
        model = PaidModel("e:fast")
        first = model.price(some(20), Readout(), Watched(job_id=one))
        again = PaidModel("e:fast").price(some(20), Readout(), Watched(job_id=other))

        assert len(server.requests) == 20
    assert [r.statistics for r in first] == [r.statistics for r in again]
    assert all(r.spent.usd == 0 for r in again)
    assert [r.spent.saved_usd for r in again] == pytest.approx([r.spent.usd for r in first])


def test_an_earlier_try_of_the_same_row_and_job_is_counted_once_as_paid():
    (job_id,) = paying_jobs(1)
    with hosted() as server:
        first = PaidModel("e:fast").price(some(3), Readout(), Watched(job_id=job_id))
        again = PaidModel("e:fast").price(some(3), Readout(), Watched(job_id=job_id))

        assert len(server.requests) == 3
    assert [r.spent.usd for r in again] == [r.spent.usd for r in first]
    assert all(r.spent.saved_usd == 0 for r in again)


def test_the_same_question_of_two_rows_is_paid_by_one():
    (job_id,) = paying_jobs(1)
    twice = [Prompt("?", "<product>lamp</product>", "$", row=1), Prompt("?", "<product>lamp</product>", "$", row=2)]
    with hosted() as server:
        one, two = PaidModel("e:fast").price(twice, Readout(), Watched(job_id=job_id))

        assert len(server.requests) == 1
    assert one.spent.usd
    assert one.spent.saved_usd == 0
    assert two.spent.usd == 0
    assert two.spent.saved_usd == pytest.approx(one.spent.usd)


def test_a_fresh_sample_asks_anew():
    with hosted() as server:
        PaidModel("e:fast").price(some(3), Readout(), Watched())
        PaidModel("e:fast", sample=1).price(some(3), Readout(), Watched())

        assert len(server.requests) == 6


def test_an_unknown_price_is_not_zero():
    with hosted(prices=None):
        (reading,) = PaidModel("e:fast").price(some(1), Readout(), Watched())

    assert math.isnan(reading.spent.usd)


def test_an_endpoint_that_ignores_logprobs_is_noticed_and_held_to_json_instead():
    with hosted(ignores=["logprobs"]) as server:
        readings = PaidModel("e:fast").price(some(3), Readout(), Watched())
        bodies = [entry.body for entry in server.requests]

    assert all(r.price and not r.statistics and r.evidence["ignored"] == ["logprobs"] for r in readings)
    assert _abilities()["logprobs"] is False
    assert "response_format" not in bodies[0]
    assert "response_format" in bodies[1]


def test_an_endpoint_that_ignores_json_too_has_its_words_read():
    with hosted(("fast-words",), ignores=["logprobs", "response_format"]):
        readings = PaidModel("e:fast-words").price(some(3), Readout(), Watched())

    assert all(r.price and r.error is None for r in readings)
    assert readings[-1].evidence["ignored"] == ["logprobs", "json_schema"]
    assert _abilities("fast-words")["json_schema"] is False


def test_what_a_model_refuses_is_left_out_and_remembered():
    with hosted(("fast-thinking",)) as server:
        readings = PaidModel("e:fast-thinking").price(some(8), Readout(), Watched())
        refused = sum(entry.status == 400 for entry in server.requests)

    assert all(r.price and r.error is None for r in readings)
    assert {"temperature", "max_tokens", "logprobs"} <= set(_abilities("fast-thinking")["refuses"])
    assert refused <= 4, "one question finds out what all others leave out"


def test_greedy_reads_the_text_and_asks_for_no_probabilities():
    with hosted(("fast-words",)) as server:
        (reading,) = PaidModel("e:fast-words").price(some(1), Readout(greedy=True), Watched())
        assert "logprobs" not in server.requests[0].body

    assert reading.price
    assert not reading.statistics


def test_a_withheld_answer_and_a_bad_request_fail_only_their_row():
    with hosted() as server:
        server.trouble("refused_content", match="number 2<")
        server.trouble("400", match="number 3<")
        readings = PaidModel("e:fast").price(some(5), Readout(), Watched())

    assert [r.error is None for r in readings] == [True, True, False, False, True]


def test_writing_follows_a_schema_where_the_endpoint_minds_it():
    schema = {
        "type": "object",
        "properties": {"brand": {"type": "string"}},
        "required": ["brand"],
        "additionalProperties": False,
    }
    with hosted() as server:
        (written,) = PaidModel("e:fast").write(some(1), 80, Watched(), schema)
        assert server.requests[0].body["response_format"]["json_schema"]["schema"] == schema

    assert written.error is None
    assert "brand" in written.text
    assert _abilities()["json_schema"] is True


def _stats_tool(asked: list[int]) -> Tool:
    def run(row: int, arguments: object) -> str:
        asked.append(row)
        return "median $40"

    about = {"type": "object", "properties": {"category": {"type": "string"}}, "required": ["category"]}
    return Tool("category_price_stats", "What things of a category cost.", about, run)


def test_tools_are_called_and_every_call_is_evidence():
    asked: list[int] = []
    with hosted() as server:
        readings = PaidModel("e:fast").price_with_tools(some(3), [_stats_tool(asked)], 2, Readout(), Watched())
        assert len(server.requests) == 6

    assert sorted(asked) == [0, 1, 2]
    for reading in readings:
        assert reading.price
        assert reading.statistics
        (call,) = reading.evidence["calls"]
        assert call["name"] == "category_price_stats"
        assert call["result"] == "median $40"


def test_tool_rounds_end_even_if_the_model_would_go_on_for_ever():
    asked: list[int] = []
    with hosted(tool_rounds=[["category_price_stats"]] * 50) as server:
        (reading,) = PaidModel("e:fast").price_with_tools(some(1), [_stats_tool(asked)], 3, Readout(), Watched())
        assert len(server.requests) <= 5

    assert len(asked) == 3
    assert reading.price or reading.error


def test_broken_arguments_and_unknown_functions_are_answered_not_raised():
    with hosted(tool_rounds=[[("category_price_stats", "{broken"), "no_such_tool"]]):
        (reading,) = PaidModel("e:fast").price_with_tools(some(1), [_stats_tool([])], 4, Readout(), Watched())

    assert reading.error is None
    assert "JSON object" in reading.evidence["calls"][0]["result"]


def test_an_endpoint_that_ignores_tools_is_said_to():
    with hosted(ignores=["tools"]):
        model = PaidModel("e:fast")
        (reading,) = model.price_with_tools(some(1), [_stats_tool([])], 2, Readout(), Watched())
        assert "tools" in reading.evidence["ignored"]
        with begin() as session:
            endpoints.learn(session, "e", "fast", {"tools": False})
        with pytest.raises(NotReady, match="can't call functions"):
            PaidModel("e:fast").price_with_tools(some(1), [_stats_tool([])], 2, Readout(), Watched())


def test_an_endpoint_nobody_knows_is_named():
    with pytest.raises(NotFound, match="no endpoint 'nowhere'"):
        PaidModel("nowhere:m")


def test_no_key_is_in_what_is_stored(monkeypatch):
    monkeypatch.setenv("PRICEWRIGHT_KEY_TEST", "sk-very-secret-9")
    with hosted(key="sk-very-secret-9", key_env="PRICEWRIGHT_KEY_TEST"):
        PaidModel("e:fast").price(some(2), Readout(), Watched())
        with begin() as session:
            stored = completions.look(session, [])
            everything = str(session.connection().exec_driver_sql("SELECT * FROM completions, endpoints").all())
    assert stored == {}
    assert "very-secret" not in everything


def test_one_bad_question_after_another_does_not_keep_the_rest_from_being_asked():
    with hosted() as server:
        server.trouble("400", times=8)
        readings = PaidModel("e:fast").price(some(12), Readout(), Watched())

    assert sum(reading.error is None for reading in readings) == 4


def test_a_model_that_refuses_tools_is_said_to_after_one_question():
    with hosted() as server:
        server.change(models=[Model(id="fast", refuses=frozenset({"tools"}))])
        with pytest.raises(NotReady, match="can't call functions"):
            PaidModel("e:fast").price_with_tools(some(9), [_stats_tool([])], 2, Readout(), Watched())
        assert len(server.requests) == 1
    assert _abilities()["tools"] is False


def test_json_that_was_cut_off_does_not_say_that_json_is_ignored():
    kept = {"text": '{"price": \n\n', "finish_reason": "length", "logprobs": None}
    with hosted(("fast",), ignores=["logprobs"]):
        model = PaidModel("e:fast")
        model.price(some(2), Readout(), Watched())
        with begin() as session:
            session.connection().exec_driver_sql("UPDATE completions SET response = %s ::jsonb", (json.dumps(kept),))
        readings = PaidModel("e:fast").price(some(2), Readout(), Watched())

    assert readings[1].price is None
    assert _abilities().get("json_schema") is not False


def test_an_answer_outside_the_bounds_stands_as_it_was_said_without_a_distribution():
    with hosted():
        usual = PaidModel("e:fast").price(some(3), Readout(), Watched())
        outside = PaidModel("e:fast").price(some(3), Readout(bounds=Bounds(0.01, 0.99)), Watched())

    assert [reading.price for reading in outside] == [reading.price for reading in usual]
    assert all(reading.price and not reading.statistics and not reading.quantiles for reading in outside)


def test_bounds_are_told_where_answers_are_held_to_a_schema_and_usual_ones_change_no_request():
    with hosted(("fast-words",), ignores=["logprobs"]) as server:
        for bounds in (Bounds(1, 999), Bounds(0.01, 9.99)):
            PaidModel("e:fast-words").price(some(4), Readout(bounds=bounds), Watched())
        asked = [one.body["response_format"] for one in server.requests if "response_format" in one.body]

    told = {one["json_schema"]["schema"]["properties"]["price"]["description"] for one in asked}
    assert told == {"US dollars", "US dollars and cents, usually 0.01 to 9.99"}
