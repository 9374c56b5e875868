"""A fine-tune on the test server lives as one at OpenAI, only faster."""

import json
from typing import Any

import openai
import pytest

from tests.fake_openai.server import Handle

CHAT = {"messages": [{"role": "user", "content": "Mug. Price: $"}, {"role": "assistant", "content": "12"}]}


@pytest.fixture
def server(running: Handle) -> Handle:
    # The clock stands for a test's purposes: seconds pass by `advance`.
    running.reset(tuning={"validating": 60, "running": 1_000})
    return running


def start(client: openai.OpenAI, chats: list[Any], **more: Any) -> Any:
    content = "\n".join(json.dumps(chat) for chat in chats).encode()
    file = client.files.create(file=("chats.jsonl", content), purpose="fine-tune")
    return client.fine_tuning.jobs.create(**{"model": "fast", "training_file": file.id} | more)


def test_a_fine_tune_ends_with_a_model_that_answers_as_its_base(server: Handle, client: openai.OpenAI) -> None:
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
    job = start(client, [CHAT] * 10, method=method, suffix="mugs", metadata={"a": "b"})
    seen = [job.status]
    for seconds in (61, 500, 500):
        server.advance(seconds)
        job = client.fine_tuning.jobs.retrieve(job.id)
        seen.append(job.status)

    assert seen == ["validating_files", "running", "running", "succeeded"]
    assert job.fine_tuned_model.startswith("ft:fast:tests:mugs:")
    assert job.trained_tokens > 100
    assert job.fine_tuned_model in [model.id for model in client.models.list()]
    ask: list[Any] = CHAT["messages"][:1]
    answers = [client.chat.completions.create(model=name, messages=ask) for name in ("fast", job.fine_tuned_model)]
    assert len({answer.choices[0].message.content for answer in answers}) == 1


def test_its_loss_falls_event_by_event_newest_first(server: Handle, client: openai.OpenAI) -> None:
    job = start(client, [CHAT] * 10)
    server.advance(500)
    half = list(client.fine_tuning.jobs.list_events(job.id, limit=2))
    server.advance(2_000)
    whole = list(client.fine_tuning.jobs.list_events(job.id, limit=2))

    told: list[Any] = [event.data for event in whole[::-1] if event.type == "metrics"]
    assert [data["step"] for data in told] == list(range(1, 11))
    assert told[-1]["train_loss"] < told[0]["train_loss"]
    assert [event.id for event in whole[-len(half) :]] == [event.id for event in half]
    assert "completed" in whole[0].message


@pytest.mark.parametrize(
    "chats", [[CHAT] * 9, [{"messages": []}] * 10, [{"prompt": "x"}] * 10, [{"messages": CHAT["messages"][:1]}] * 10]
)
def test_files_that_are_no_chats_fail(server: Handle, client: openai.OpenAI, chats: list[Any]) -> None:
    job = start(client, chats)
    server.advance(61)
    job = client.fine_tuning.jobs.retrieve(job.id)
    assert job.error is not None
    assert (job.status, job.error.code) == ("failed", "invalid_training_file")


def test_one_is_cancelled_only_before_its_end(server: Handle, client: openai.OpenAI) -> None:
    job = start(client, [CHAT] * 10)
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.cancel(job.id)


def test_models_that_can_not_be_tuned_are_refused(client: openai.OpenAI) -> None:
    for model, error in (("fast-thinking", openai.BadRequestError), ("nobody", openai.NotFoundError)):
        with pytest.raises(error):
            start(client, [CHAT] * 10, model=model)
