"""Tunes a model behind an endpoint: files go up, a job is created and watched, a new model comes out.

Another provider is another class with the methods of Tuner and a line in TUNERS.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from db.errors import UserError
from db.types import Endpoint
from worker.endpoints import clients, failures
from worker.endpoints.clients import without_key
from worker.endpoints.failures import Failure, Kind

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

METADATA = "pricewright"
SUFFIX_TOKEN = 12  # letters of the token in the tuned model's name: for providers that keep no metadata
UPLOAD_SECONDS = 600.0  # a file of some hundred megabytes takes longer than a question
_FINAL: dict[str, "State"] = {"succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled"}

State = Literal["running", "succeeded", "failed", "cancelled"]

NO_NEW_JOBS = {"openai": ("OpenAI", date(2027, 1, 6))}
"""Provider -> its name and the day from which it takes no new fine-tunes from accounts that serve themselves.

https://developers.openai.com/api/docs/deprecations; some accounts are refused before that day: those that never tuned
a model (since 2026-05-07), or asked none that they tuned for 60 days (since 2026-07-02).
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be tuned on what. `token` names the order for ever: whoever lost the answer finds the job by it."""

    token: str
    model: str
    training_file: str
    validation_file: str = ""
    epochs: int = 3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """What the endpoint told of a tuning at one moment."""

    id: str
    at: datetime
    text: str
    step: int | None = None  # of the optimiser, where it told figures
    values: dict[str, float] = field(default_factory=dict)  # train_loss, valid_loss, train_mean_token_accuracy, ...


@dataclass(frozen=True, slots=True)
class Status:
    state: State
    model: str = ""  # succeeded: what to ask from now on
    trained_tokens: int | None = None  # that are paid for, over all epochs
    error: str = ""  # failed: the endpoint's words
    seconds: float = 0.0  # that it took there, once it has ended


ENDED = "It is ended there; what was trained is lost and may be charged."
"""What becomes of a tuning that is cancelled: no provider hands out the best it had so far."""


class TuningFailure(UserError):
    """The endpoint did not do what a tuning needs; `failure` says whether another try may help."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class Tuner(Protocol):
    """Every method raises TuningFailure, and NotReady where the key is not there."""

    def upload(self, name: str, content: bytes) -> str:
        """Hand a JSONL file of chats over; returns its id there."""
        ...

    def create(self, order: Order) -> str:
        """Begin; returns the id of the tuning there. Paid for, so never called twice for one order: see `find`."""
        ...

    def find(self, token: str) -> str | None:
        """The tuning that was created with this token."""
        ...

    def events(self, remote_id: str, after: str = "") -> list[Event]:
        """What happened after the event with this id ("" = all), oldest first."""
        ...

    def status(self, remote_id: str) -> Status: ...

    def cancel(self, remote_id: str) -> None:
        """Stop it; one that has ended already stays as it is."""
        ...


class OpenAiTuner:
    """The addresses /v1/files and /v1/fine_tuning/jobs, which other providers and gateways have too."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def upload(self, name: str, content: bytes) -> str:
        with self._speaking() as client:
            patience = max(UPLOAD_SECONDS, self.endpoint.timeout_seconds)
            return str(client.files.create(file=(name, content), purpose="fine-tune", timeout=patience).id)

    def create(self, order: Order) -> str:
        more: dict[str, Any] = {"validation_file": order.validation_file} if order.validation_file else {}
        with self._speaking(order.model) as client:
            return client.fine_tuning.jobs.create(
                model=order.model,
                training_file=order.training_file,
                # Its learning rate is a factor on one that nobody knows, its batches are counted in examples.
                method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": order.epochs}}},
                seed=order.seed % 2**31,
                suffix=_suffix(order.token),
                metadata={METADATA: order.token},
                extra_headers={"Idempotency-Key": order.token},
                **more,
            ).id

    def find(self, token: str) -> str | None:
        with self._speaking() as client:
            for job in client.fine_tuning.jobs.list(limit=100):
                if (job.metadata or {}).get(METADATA) == token or _told_suffix(job) == _suffix(token):
                    return job.id
        return None

    def events(self, remote_id: str, after: str = "") -> list[Event]:
        latest: list[Event] = []
        with self._speaking(remote_id=remote_id) as client:
            for event in client.fine_tuning.jobs.list_events(remote_id, limit=100):  # newest first
                if event.id == after:
                    break
                latest.append(_event(event, self.endpoint))
        return latest[::-1]

    def status(self, remote_id: str) -> Status:
        with self._speaking(remote_id=remote_id) as client:
            job = client.fine_tuning.jobs.retrieve(remote_id)
        words = " ".join(without_key(job.error.message or "", self.endpoint).split()) if job.error else ""
        return Status(
            _FINAL.get(job.status, "running"),
            job.fine_tuned_model or "",
            job.trained_tokens,
            words[:300].rstrip("."),
            float(max(0, (job.finished_at or job.created_at) - job.created_at)),
        )

    def cancel(self, remote_id: str) -> None:
        try:
            with self._speaking(remote_id=remote_id) as client:
                client.fine_tuning.jobs.cancel(remote_id)
        except TuningFailure:
            if self.status(remote_id).state == "running":
                raise

    @contextmanager
    def _speaking(self, model: str = "", remote_id: str = "") -> Iterator["OpenAI"]:
        try:
            with clients.client(self.endpoint) as client:
                yield client
        except UserError:
            raise
        except Exception as error:
            raise TuningFailure(self._explained(error, model, remote_id)) from error

    def _explained(self, error: Exception, model: str, remote_id: str) -> Failure:
        """What an error means here: some statuses mean something else than they do for a question."""
        name, failure = self.endpoint.name, failures.explain(error, self.endpoint, model, {})
        if failure.status == 404 and remote_id:
            return Failure(Kind.ROW, f"The endpoint {name} knows nothing of the fine-tune {remote_id}.", status=404)
        if failure.status == 404:
            sentence = f"The endpoint {name} can't fine-tune {model or 'models'}, or its address is wrong."
            return Failure(Kind.ROW, sentence, status=404)
        if failure.status == 403:
            sentence = f"The endpoint {name} does not let this key start a fine-tune, or takes no new ones any more."
            return replace(failure, sentence=sentence)
        return failure


TUNERS: dict[str, type[OpenAiTuner]] = {"openai": OpenAiTuner}
"""Provider of an endpoint -> who tunes there; whoever is not named here is asked as OpenAI is."""


def tuner(endpoint: Endpoint) -> Tuner:
    return TUNERS.get(endpoint.provider, OpenAiTuner)(endpoint)


def notices(provider: str, model: str, shutdown_date: str | None, today: date | None = None) -> list[str]:
    """What a person must know before tuning this model, or who uses one that was tuned, in sentences."""
    today = today or datetime.now(UTC).date()
    said = []
    if provider in NO_NEW_JOBS:
        name, closes = NO_NEW_JOBS[provider]
        if today >= closes:
            said.append(f"{name} has taken no new fine-tunes from self-serve accounts since {closes}.")
        else:
            said.append(f"{name} takes no new fine-tunes from self-serve accounts after {closes}; from many, none now.")
    base = _base(model)
    if shutdown_date:
        is_over = shutdown_date[:10] <= today.isoformat()
        said.append(f"{base} {'ended' if is_over else 'ends'} on {shutdown_date[:10]}, and its fine-tunes with it.")
    else:
        said.append(f"A fine-tune ends when its base model does; the endpoint names no day for {base}.")
    return said


def whole(epochs: float) -> int:
    """Epochs as an endpoint counts them."""
    return max(1, round(epochs))


def last_day(endpoint: Endpoint, *models: str) -> str | None:
    """ISO date on which the first of these models, or of those that they were tuned from, ends; None: nobody says."""
    names = [name for model in models for name in (model, _base(model))]
    return min(filter(None, (endpoint.model(name).shutdown_date for name in names)), default=None)


def _base(model: str) -> str:
    """What a model was tuned from, as OpenAI names such models (ft:BASE:…); another model itself."""
    return model.removeprefix("ft:").split(":")[0] if model.startswith("ft:") else model


def _suffix(token: str) -> str:
    return f"{METADATA}-{token[:SUFFIX_TOKEN]}"


def _told_suffix(job: "FineTuningJob") -> str:
    return str((job.model_extra or {}).get("user_provided_suffix") or "")


def _event(event: "FineTuningJobEvent", endpoint: Endpoint) -> Event:
    data: Mapping[str, Any] = event.data if isinstance(event.data, Mapping) else {}
    values = {
        str(name): float(value)
        for name, value in data.items()
        if name != "step" and isinstance(value, int | float) and not isinstance(value, bool)
    }
    step = data.get("step")
    text = " ".join(without_key(event.message or "", endpoint).split())[:500]
    at = datetime.fromtimestamp(event.created_at, UTC)
    return Event(event.id, at, text, int(step) if isinstance(step, int) and values else None, values)
