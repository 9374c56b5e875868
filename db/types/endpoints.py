"""Models behind endpoints: what they are asked, what they cost, what is asked of them in one file."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """A prompt as it was at one time. Never changed: another wording is another version."""

    name: str
    version: int
    system: str  # sent as it is
    template: str  # Jinja2
    note: str = ""
    created_at: datetime | None = None  # None: comes with Pricewright
    archived_at: datetime | None = None  # None: it is offered in lists
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it
    shared_with: tuple[str, ...] = ()  # who else sees it, as db.visibility.names says

    @property
    def ref(self) -> str:
        """What a run records: "listing@1"."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class EndpointModel:
    """What is known of a model behind an endpoint."""

    id: str
    shutdown_date: str | None = None  # ISO date, where the endpoint or a person says when the model ends
    context: int | None = None  # tokens, where the endpoint says it
    abilities: dict[str, Any] = field(default_factory=dict)
    """What tests and answers showed; a missing key is not known yet. logprobs, json_schema, tools, batch: bool;
    refuses: names of request parameters it answers with an error; answer_tokens: how much room an answer needs."""
    is_end_entered: bool = False  # a person said when it ends, which holds over what the endpoint says
    is_listed: bool = field(default=False, compare=False)  # the endpoint named it when it last said what it has


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where language models answer, over the OpenAI protocol. Its key is in the environment, under `key_env`, or was
    entered and is kept encrypted."""

    name: str
    base_url: str
    api_version: str = ""  # Azure only
    key_env: str = ""  # "" = it wants no key
    provider: str = ""  # whose tariffs hold, as genai-prices names it; "" = only what was entered by hand
    requests_per_minute: int | None = None  # None: what the endpoint's answers say
    max_concurrency: int = 64
    timeout_seconds: float = 60.0
    models: tuple[EndpointModel, ...] = ()
    tested_at: datetime | None = None
    created_at: datetime | None = None
    description: str = ""
    archived_at: datetime | None = None  # None: its models are offered
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it
    key_id: str = ""  # of the key that was entered; "" = none was
    key_last: str = ""  # its last letters, as far as they are shown

    def model(self, model_id: str) -> EndpointModel:
        """What is known of one of its models; nothing is known of one that was never listed."""
        return next((model for model in self.models if model.id == model_id), EndpointModel(model_id))


@dataclass(frozen=True, slots=True)
class Tariff:
    """Dollars per million tokens of one model, on a date."""

    input: Decimal
    output: Decimal
    cached: Decimal  # of input tokens that the endpoint had read before
    batch_input: Decimal | None  # None: nobody said what a batch costs; the plain price is an upper bound
    batch_output: Decimal | None
    source: str  # "override", or package and version of the price list
    valid_from: datetime | None = None

    def usd(self, tokens_in: int, tokens_cached: int, tokens_out: int, *, batch: bool = False) -> Decimal:
        """What a call costs. Cached tokens (a part of tokens_in) have no discount of their own inside a batch."""
        if batch:
            fresh = cached = self.input if self.batch_input is None else self.batch_input
            output = self.output if self.batch_output is None else self.batch_output
        else:
            fresh, cached, output = self.input, self.cached, self.output
        return ((tokens_in - tokens_cached) * fresh + tokens_cached * cached + tokens_out * output) / 1_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of calls that an endpoint answers within hours."""

    id: int
    job_id: int
    chunk_id: int | None
    endpoint: str
    model: str
    token: str
    remote_id: str | None
    state: str  # new | sending | open | done | failed; "failed" is a batch that answered nothing
    requests: int
    answered: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None
