"""A batch on the test server lives as one at OpenAI, only faster."""

import json
from typing import Any, Literal

import openai
import pytest

from tests.fake_openai.server import Handle

URL: Literal["/v1/chat/completions"] = "/v1/chat/completions"


@pytest.fixture
def server(running: Handle) -> Handle:
    # The clock stands for a test's purposes: seconds pass by `advance`.
    running.reset(batching={"validating": 60, "in_progress": 1_000, "finalizing": 60})
    return running


def line(i: int, model: str = "fast") -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": f"Mug number {i}"}], "max_tokens": 9}
    return {"custom_id": f"row-{i}", "method": "POST", "url": URL, "body": body}


def start(client: openai.OpenAI, lines: list[Any], **more: Any) -> Any:
    content = "\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in lines)
    file = client.files.create(file=("rows.jsonl", content.encode()), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=URL, completion_window="24h", **more)


def found(client: openai.OpenAI, batch: Any) -> Any:
    return client.batches.retrieve(batch.id)


def rows(client: openai.OpenAI, file_id: str | None) -> dict[str, Any]:
    if file_id is None:
        return {}
    found = [json.loads(text) for text in client.files.content(file_id).text.splitlines()]
    return {row["custom_id"]: row for row in found}


def test_a_batch_goes_through_its_states_and_ends_with_every_answer(server: Handle, client: openai.OpenAI) -> None:
    batch = start(client, [line(i) for i in range(20)], metadata={"job": "7"})
    assert (batch.status, batch.metadata, batch.expires_at - batch.created_at) == ("validating", {"job": "7"}, 86_400)
    seen = []
    for seconds in (61, 500, 520, 60):
        server.advance(seconds)
        batch = found(client, batch)
        seen.append((batch.status, batch.request_counts.completed))
    assert [status for status, _ in seen] == ["in_progress", "in_progress", "finalizing", "completed"]
    assert 0 < seen[1][1] < 20 == seen[3][1]
    assert batch.created_at < batch.in_progress_at < batch.finalizing_at < batch.completed_at
    answers = rows(client, batch.output_file_id)
    assert set(answers) == {f"row-{i}" for i in range(20)}
    assert list(answers) != [f"row-{i}" for i in range(20)]  # in an order of its own
    first = answers["row-3"]["response"]
    assert first["status_code"] == 200
    direct = client.chat.completions.create(**line(3)["body"])
    assert first["body"]["choices"][0]["message"]["content"] == direct.choices[0].message.content
    assert batch.error_file_id is None
    assert batch.usage is not None
    assert batch.usage.input_tokens == sum(a["response"]["body"]["usage"]["prompt_tokens"] for a in answers.values())
    assert [entry.via for entry in server.requests] == ["batch"] * 20 + ["direct"]


def test_lines_fail_and_get_lost_in_the_configured_share(server: Handle, client: openai.OpenAI) -> None:
    server.change(batching={"fail_share": 0.3, "lost_share": 0.2})
    batch = start(client, [line(i) for i in range(200)])
    server.advance(2_000)
    batch = found(client, batch)
    good, bad = rows(client, batch.output_file_id), rows(client, batch.error_file_id)
    assert batch.status == "completed"
    assert not good.keys() & bad.keys()
    assert 35 <= len(bad) <= 85
    assert 20 <= 200 - len(good) - len(bad) <= 60
    assert (batch.request_counts.completed, batch.request_counts.failed) == (len(good), len(bad))
    assert all(row["response"]["status_code"] == 500 for row in bad.values())


def test_an_expired_batch_gives_what_it_had_done(server: Handle, client: openai.OpenAI) -> None:
    server.change(batching={"expires_after": 560})
    batch = start(client, [line(i) for i in range(20)])
    server.advance(600)
    batch = found(client, batch)
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("expired", 10, 10)
    assert batch.expired_at == batch.expires_at
    assert len(rows(client, batch.output_file_id)) == 10
    assert {row["error"]["code"] for row in rows(client, batch.error_file_id).values()} == {"batch_expired"}


def test_a_cancelled_batch_gives_what_it_had_done_and_is_cancelled_once(server: Handle, client: openai.OpenAI) -> None:
    batch = start(client, [line(i) for i in range(20)])
    server.advance(560)
    assert client.batches.cancel(batch.id).status == "cancelling"
    server.advance(61)
    batch = found(client, batch)
    assert (batch.status, batch.request_counts.completed) == ("cancelled", 10)
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([line(1), "{not json"], "invalid_json_line", 2),
        ([line(1), line(1)], "duplicate_custom_id", 2),
        ([line(1), line(2, "fast-words")], "mismatched_model", 2),
        ([line(1) | {"url": "/v1/embeddings"}], "invalid_request", 1),
        (["  "], "empty_file", 1),
    ],
)
def test_a_broken_file_fails_its_batch_and_says_where(
    server: Handle, client: openai.OpenAI, lines: list[Any], code: str, number: int
) -> None:
    batch = start(client, lines)
    server.advance(61)
    batch = found(client, batch)
    assert batch.status == "failed"
    assert batch.errors is not None
    assert batch.errors.data is not None
    assert (batch.errors.data[0].code, batch.errors.data[0].line) == (code, number)
    assert server.requests == []


def test_a_batch_may_be_refused_for_the_size_of_the_queue(server: Handle, client: openai.OpenAI) -> None:
    server.change(batching={"refuse": "token_limit_exceeded"})
    batch = start(client, [line(1)])
    server.advance(61)
    errors = client.batches.retrieve(batch.id).errors
    assert errors is not None
    assert errors.data is not None
    assert errors.data[0].code == "token_limit_exceeded"


def test_a_line_that_the_model_refuses_is_in_the_error_file(server: Handle, client: openai.OpenAI) -> None:
    batch = start(client, [line(1), line(2) | {"body": {"model": "fast", "messages": []}}])
    server.advance(2_000)
    batch = found(client, batch)
    assert set(rows(client, batch.output_file_id)) == {"row-1"}
    assert rows(client, batch.error_file_id)["row-2"]["response"]["status_code"] == 400


def test_batches_are_found_again_by_their_metadata_page_by_page(client: openai.OpenAI) -> None:
    made = [start(client, [line(i)], metadata={"chunk": str(i)}).id for i in range(5)]
    listed = list(client.batches.list(limit=2))
    assert [batch.id for batch in listed] == made[::-1]
    assert [batch.metadata for batch in listed if batch.metadata == {"chunk": "3"}]


def test_an_accelerated_batch_ends_by_itself(server: Handle, client: openai.OpenAI) -> None:
    server.change(batching={"validating": 0, "in_progress": 0.01, "finalizing": 0})
    batch = start(client, [line(1)])
    for _ in range(500):
        if client.batches.retrieve(batch.id).status == "completed":
            break
    else:
        pytest.fail("the batch did not end")


def test_files_are_kept_until_they_are_deleted(client: openai.OpenAI) -> None:
    file = client.files.create(file=("rows.jsonl", b"{}"), purpose="batch")
    assert (file.bytes, file.filename, file.purpose) == (2, "rows.jsonl", "batch")
    assert client.files.content(file.id).read() == b"{}"
    assert client.files.retrieve(file.id) == file
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(file.id)


@pytest.mark.parametrize(("name", "content"), [("rows.csv", b"{}"), ("rows.jsonl", b"")])
def test_a_file_that_is_no_batch_is_refused(client: openai.OpenAI, name: str, content: bytes) -> None:
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=(name, content), purpose="batch")
