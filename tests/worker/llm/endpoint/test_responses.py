"""An answer is kept whatever a server makes of the protocol."""

import pytest

from worker.llm.endpoint.responses import IMPOSSIBLE, compact, usage


def _body(logprobs: object) -> dict[str, object]:
    return {"choices": [{"message": {"content": "25"}, "logprobs": logprobs}]}


@pytest.mark.parametrize("odd", [None, float("-inf"), float("nan")])
def test_an_impossible_token_stays_impossible_however_it_is_written(odd):
    place = {"token": "25", "logprob": -0.5, "top_logprobs": [{"token": "9", "logprob": odd}]}

    assert compact(_body({"content": [place]}))["logprobs"] == [["25", -0.5, [["9", IMPOSSIBLE]]]]


@pytest.mark.parametrize("odd", [{"content": [-0.1, -0.2]}, {"content": "25"}, {"tokens": ["25"]}, [1]])
def test_probabilities_in_another_shape_do_not_cost_the_answer(odd):
    kept = compact(_body(odd))

    assert kept["text"] == "25"
    assert kept["logprobs"] is None


def test_counts_that_are_no_counts_are_none():
    told = {"usage": {"prompt_tokens": float("inf"), "completion_tokens": 1e30}}

    assert usage(told) == (0, 0, 0, True)
