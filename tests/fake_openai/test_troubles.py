"""The test server goes wrong in every way it is told to, and remembers what it was asked."""

import itertools
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.fake_openai.limits import duration
from tests.fake_openai.server import Handle
from tests.fake_openai.test_protocol import CABLE, LAPTOP, STATS, ask, schema


def control(server: Handle, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.root}/control/{path}", data)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("400", openai.BadRequestError),
        ("401", openai.AuthenticationError),
        ("403", openai.PermissionDeniedError),
        ("404", openai.NotFoundError),
        ("409", openai.ConflictError),
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("502", openai.InternalServerError),
        ("503", openai.InternalServerError),
        ("drop", openai.APIConnectionError),
        ("hang_up", openai.APIConnectionError),
        ("invalid_json", json.JSONDecodeError),
    ],
)
def test_a_scripted_trouble_comes_once(server: Handle, client: openai.OpenAI, kind: Any, error: Any) -> None:
    server.trouble(kind)
    with pytest.raises(error):
        ask(client)
    assert ask(client).choices[0].message.content
    assert [entry.trouble for entry in server.requests] == [kind, "ok"]


def test_quota_and_unknown_model_have_their_codes(server: Handle, client: openai.OpenAI) -> None:
    server.trouble("429_quota")
    with pytest.raises(openai.RateLimitError) as quota:
        ask(client)
    assert (quota.value.code, "retry-after" in quota.value.response.headers) == ("insufficient_quota", False)
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(client, model="other")
    assert unknown.value.code == "model_not_found"


def test_a_trouble_meets_only_the_requests_it_is_meant_for(server: Handle, client: openai.OpenAI) -> None:
    server.trouble("500", times=-1, match="laptop")
    assert ask(client, CABLE).choices
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            ask(client, LAPTOP)


def test_an_empty_and_a_refused_answer_say_so(server: Handle, client: openai.OpenAI) -> None:
    server.trouble("empty", "refused_content")
    empty, refused = ask(client).choices[0], ask(client).choices[0]
    assert (empty.message.content, empty.finish_reason) == ("", "stop")
    assert (refused.message.content, refused.finish_reason) == (None, "content_filter")


def test_a_slow_body_and_a_silence_arrive_late_and_run_into_a_timeout(server: Handle, client: openai.OpenAI) -> None:
    server.change(slow_seconds=0.2)
    server.trouble("slow_body", "silence", "silence")
    assert ask(client).choices
    assert ask(client).choices
    with pytest.raises(openai.APITimeoutError):
        ask(client, timeout=0.05)
    assert ask(client).choices


def test_a_broken_stream_ends_early_or_says_its_error(server: Handle, client: openai.OpenAI) -> None:
    server.trouble("stream_break", "stream_error", "slow_body", "invalid_json")
    for error in (openai.APIConnectionError, openai.APIError):
        with pytest.raises(error):
            list(ask(client, model="fast-words", stream=True))
    assert len(list(ask(client, model="fast-words", stream=True))) > 5
    with pytest.raises(json.JSONDecodeError):
        list(ask(client, model="fast-words", stream=True))


@pytest.mark.parametrize("ignored", ["logprobs", "response_format", "tools"])
def test_what_is_ignored_is_silently_not_done(server: Handle, client: openai.OpenAI, ignored: str) -> None:
    server.change(ignores={ignored})
    choice = ask(client, logprobs=True, response_format=schema(price="number")).choices[0]
    called = ask(client, tools=[STATS]).choices[0].message.tool_calls
    assert (choice.logprobs is None) == (ignored == "logprobs")
    assert (choice.message.content.startswith("{")) == (ignored != "response_format")
    assert (called is None) == (ignored == "tools")


def test_a_key_is_asked_for_everywhere(server: Handle, client: openai.OpenAI) -> None:
    server.change(key="secret")
    calls: list[Callable[[], Any]] = [lambda: ask(client), client.models.list, client.batches.list, client.files.list]
    for call in calls:
        with pytest.raises(openai.AuthenticationError) as caught:
            call()
        assert caught.value.code == "invalid_api_key"
        assert "secret" not in str(caught.value)
    assert ask(client.with_options(api_key="secret")).choices


def test_the_rate_limit_says_when_to_come_back_and_keeps_its_word(server: Handle, client: openai.OpenAI) -> None:
    server.change(rps=10, burst=2)
    told = client.chat.completions.with_raw_response.create(model="fast", messages=CABLE).headers
    assert told["x-ratelimit-limit-requests"] == "600"
    assert told["x-ratelimit-remaining-requests"] == "1"
    assert told["x-ratelimit-reset-requests"].endswith("ms")
    assert told["x-ratelimit-limit-tokens"] == "30000000"
    assert int(told["x-ratelimit-remaining-tokens"]) < 30_000_000
    assert told["x-ratelimit-reset-tokens"].endswith("ms")
    with pytest.raises(openai.RateLimitError) as caught:
        [ask(client) for _ in range(20)]
    headers = caught.value.response.headers
    assert headers["retry-after"] == "1"
    wait = int(headers["retry-after-ms"]) / 1000
    assert 0 < wait <= 0.1
    time.sleep(wait)
    assert ask(client).choices


def test_tokens_are_limited_too(server: Handle, client: openai.OpenAI) -> None:
    server.change(rps=100, tpm=60, retry_after="date")
    with pytest.raises(openai.RateLimitError, match="TPM") as caught:
        [ask(client) for _ in range(5)]
    assert caught.value.response.headers["retry-after"].endswith("GMT")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.02, "20ms"), (1, "1s"), (1.25, "1.25s"), (360, "6m0s"), (3723.5, "1h2m3.5s"), (7200, "2h0m0s")],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_log_knows_order_repeats_and_what_was_paid_twice(server: Handle, client: openai.OpenAI) -> None:
    server.trouble("500")
    with pytest.raises(openai.InternalServerError):
        ask(client)
    ask(client)
    assert len(server.log.repeats()) == 1
    assert server.log.repeats(paid=True) == {}
    ask(client, LAPTOP)
    ask(client)
    assert list(server.log.repeats().values()) == [3]
    assert list(server.log.repeats(paid=True).values()) == [2]
    assert [entry.status for entry in server.requests] == [500, 200, 200, 200]
    assert all(a.at <= b.at for a, b in itertools.pairwise(server.requests))
    counts = control(server, "counts")
    assert (counts["requests"], counts["bodies"], counts["paid_twice"]) == (4, 2, 1)
    assert control(server, "requests?after=2")[0]["body"]["messages"] == LAPTOP


def test_another_process_can_set_troubles_and_clear_the_log(server: Handle, client: openai.OpenAI) -> None:
    assert control(server, "settings", {"latency_ms": 1, "ignores": ["tools"], "batching": {"fail_share": 0.5}})
    assert (server.settings.latency_ms, server.settings.batching.fail_share) == (1, 0.5)
    control(server, "script", ["503", {"kind": "500", "match": "laptop"}])
    for messages in (CABLE, LAPTOP):
        with pytest.raises(openai.InternalServerError):
            ask(client, messages)
    control(server, "clear", {})
    assert server.requests == []
    with pytest.raises(urllib.error.HTTPError) as caught:
        control(server, "settings", {"latency_ms": "soon"})
    assert caught.value.code == 400
    caught.value.close()


def test_the_sdk_retries_its_way_through_troubles(server: Handle) -> None:
    server.change(rps=20, retry_after="ms")
    server.trouble("429", "429")
    with openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=2) as client:
        assert ask(client).choices
    assert [entry.headers["x-stainless-retry-count"] for entry in server.requests] == ["0", "1", "2"]
