"""The tuner of OpenAI-compatible endpoints creates, finds, watches, cancels, and says in words what went wrong."""

from collections.abc import Iterator
from datetime import date

import pytest

from db.errors import NotReady
from db.types import Endpoint
from tests.fake_openai.server import Handle, endpoint
from worker.endpoints import tuning
from worker.endpoints.failures import Kind
from worker.endpoints.tuning import Order, Tuner, TuningFailure

CHATS = b'{"messages": [{"role": "user", "content": "Mug"}, {"role": "assistant", "content": "12"}]}\n' * 12


@pytest.fixture(scope="module")
def running() -> Iterator[Handle]:
    with endpoint() as handle:
        yield handle


@pytest.fixture
def server(running: Handle) -> Handle:
    running.reset(tuning={"validating": 60, "running": 1_000, "steps": 150})
    return running


@pytest.fixture
def tuner(server: Handle) -> Tuner:
    return tuning.tuner(Endpoint("e", server.base_url))


def _create(tuner: Tuner, token: str = "t" * 32, model: str = "fast") -> str:
    return tuner.create(Order(token, model, tuner.upload("a.jsonl", CHATS), tuner.upload("b.jsonl", CHATS), epochs=2))


def test_a_model_comes_out_with_the_tokens_to_pay(server: Handle, tuner: Tuner) -> None:
    job = _create(tuner)
    assert tuner.status(job).state == "running"
    server.advance(2_000)
    status = tuner.status(job)
    assert status.state == "succeeded"
    assert status.model.startswith("ft:fast:")
    assert status.trained_tokens == server.tunings[0].tokens * 2
    assert status.seconds == 1_060


def test_events_come_once_in_order_over_many_pages(server: Handle, tuner: Tuner) -> None:
    job = _create(tuner)
    server.advance(600)
    first = tuner.events(job)
    assert tuner.events(job, first[-1].id) == []
    server.advance(2_000)
    later = tuner.events(job, first[-1].id)

    assert [event.step for event in first + later if event.step] == list(range(1, 151))
    assert not {event.id for event in first} & {event.id for event in later}
    assert later[0].values["train_loss"] < first[-1].values["train_loss"]
    assert later[0].values["valid_loss"] > later[0].values["train_loss"]


@pytest.mark.parametrize("keeps_metadata", [True, False])
def test_an_order_is_found_by_its_token(server: Handle, tuner: Tuner, keeps_metadata: bool) -> None:
    made = {token: _create(tuner, token * 32) for token in "ab"}
    if not keeps_metadata:
        for job in server.tunings:
            job.metadata = None
    assert tuner.find("a" * 32) == made["a"]
    assert tuner.find("c" * 32) is None


def test_cancelling_is_harmless_after_the_end(server: Handle, tuner: Tuner) -> None:
    early, late = _create(tuner, "a" * 32), _create(tuner, "b" * 32)
    tuner.cancel(early)
    server.advance(2_000)
    tuner.cancel(late)
    assert (tuner.status(early).state, tuner.status(late).state) == ("cancelled", "succeeded")


def test_a_failure_brings_the_endpoints_words(server: Handle, tuner: Tuner) -> None:
    server.change(tuning={"fail": "The loss became infinite."})
    job = _create(tuner)
    server.advance(2_000)
    status = tuner.status(job)
    assert (status.state, status.error) == ("failed", "The loss became infinite")


def test_what_is_refused_is_told_apart(server: Handle, tuner: Tuner) -> None:
    def kind(model: str = "fast") -> tuple[Kind, str]:
        with pytest.raises(TuningFailure) as caught:
            _create(tuner, model=model)
        return caught.value.failure.kind, str(caught.value)

    assert kind("nobody") == (Kind.ROW, "The endpoint e can't fine-tune nobody, or its address is wrong.")
    assert kind("fast-thinking")[0] is Kind.ROW
    server.change(tuning={"refuse": True})
    assert kind()[0] is Kind.FATAL
    assert "takes no new ones" in kind()[1]
    server.change(key="secret")
    assert "refuses the key" in kind()[1]
    with pytest.raises(NotReady, match="PRICEWRIGHT_KEY_IT"):
        tuning.tuner(Endpoint("e", server.base_url, key_env="PRICEWRIGHT_KEY_IT")).status("x")


def test_one_that_the_endpoint_lost_is_said_to_be_lost(tuner: Tuner) -> None:
    with pytest.raises(TuningFailure, match="knows nothing of the fine-tune ftjob-1"):
        tuner.status("ftjob-1")


@pytest.mark.parametrize(
    ("provider", "shutdown", "today", "told"),
    [
        ("openai", "2026-10-23", date(2026, 9, 1), ["after 2027-01-06", "ends on 2026-10-23"]),
        ("openai", "2026-10-23", date(2027, 2, 1), ["since 2027-01-06", "ended on 2026-10-23"]),
        ("openai", None, date(2026, 9, 1), ["after 2027-01-06", "names no day for gpt-4.1-nano"]),
        ("", "2028-01-01T00:00:00Z", date(2026, 9, 1), ["ends on 2028-01-01"]),
    ],
)
def test_the_end_is_told_before_and_after(provider: str, shutdown: str | None, today: date, told: list[str]) -> None:
    for model in ("gpt-4.1-nano", "ft:gpt-4.1-nano:acme:prices:abc"):
        said = tuning.notices(provider, model, shutdown, today)
        assert len(said) == len(told)
        assert all(part in sentence for part, sentence in zip(told, said, strict=True))
