"""What a test can set on the running test server: its troubles, limits, clocks and habits, all with their units."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Ignorable = Literal["logprobs", "response_format", "tools"]
Trouble = Literal[
    "ok",  # nothing is wrong: lets a script say "two good ones, then a 500"
    "400",
    "401",
    "403",
    "404",  # model_not_found
    "408",
    "409",
    "429",  # with Retry-After
    "429_quota",  # insufficient_quota: waiting does not help
    "500",
    "502",  # a gateway's HTML page instead of JSON
    "503",
    "refused_content",  # finish_reason content_filter with a refusal
    "empty",  # an answer without content
    "drop",  # the answer breaks off in the middle of its body
    "hang_up",  # the connection ends before any answer
    "slow_body",  # the body comes in pieces over `slow_seconds`
    "silence",  # no answer for `slow_seconds`, then a good one
    "invalid_json",
    "stream_break",  # a stream that ends in the middle without [DONE]
    "stream_error",  # a stream that says "error" in the middle
]


class _Open(BaseModel):
    """Checked on every change, by Python and by HTTP alike."""

    model_config = ConfigDict(validate_assignment=True, extra="forbid")


class Scripted(_Open):
    """The next `times` requests whose body contains `match` meet this trouble."""

    kind: Trouble
    times: int = 1  # -1: for ever
    match: str = ""  # looked for in the body's text; "" is in every body


class Model(_Open):
    """One entry of /v1/models and what this model is like."""

    id: str
    created: int = 1_700_000_000
    owned_by: str = "tests"
    shutdown_date: str | None = None  # ISO date
    context: int = 128_000  # tokens of prompt and answer together
    digits: Literal["groups", "single"] = "groups"  # how numbers are tokenised: up to three digits, or each alone
    style: Literal["plain", "cents", "words"] = "plain"  # 25 | $24.99 | The price is about $25.
    refuses: frozenset[str] = frozenset()  # parameters that are answered with a 400, as reasoning models do
    reasoning: int = 0  # hidden tokens thought before each answer; they count as completion tokens
    tunable: bool = True  # may be fine-tuned


class Batching(_Open):
    """The accelerated clock and the mishaps of batches. Seconds since a batch was created, or shares 0..1."""

    validating: float = 0.02
    in_progress: float = 0.1
    finalizing: float = 0.02
    expires_after: float | None = None  # seconds; None: never (the batch still states 24 h)
    fail_share: float = 0.0  # lines answered with a 500 in the error file
    lost_share: float = 0.0  # lines that are in neither file
    refuse: str | None = None  # every new batch fails its validation with this code, e.g. token_limit_exceeded


class Tuning(_Open):
    """The accelerated clock and the mishaps of fine-tunes."""

    validating: float = 0.02  # seconds
    running: float = 0.1  # seconds
    steps: int = 10  # of the optimiser; the loss of each is told in an event
    fail: str | None = None  # every new fine-tune ends with this message instead of a model
    refuse: bool = False  # nobody may start one any more
    lose_answer: bool = False  # a fine-tune is created, but whoever asked for it is told of an error


class Settings(_Open):
    """Everything a test may change while the server runs."""

    latency_ms: float = 0.0  # before each answer to a chat request
    rps: float | None = None  # allowed chat requests per second; None: any number, and no rate-limit headers
    burst: float | None = None  # how many may come at once; None: one second's worth
    tpm: float = 30_000_000  # allowed tokens per minute, enforced only with rps
    retry_after: Literal["both", "seconds", "ms", "date", "none"] = "both"  # how a 429 says when to come back
    honours_keys: bool = False  # one answer, charged once, per Idempotency-Key
    key: str | None = None  # required as bearer token or api-key; None: everyone is welcome
    ignores: frozenset[Ignorable] = frozenset()  # asked for, and silently not done
    slow_seconds: float = 0.3  # of slow_body and silence
    script: list[Scripted] = Field(default_factory=list)  # the first one that matches a body is what it meets
    cache_from: int = 1024  # tokens; a shorter prompt is never cached
    cache_step: int = 128  # tokens; how finely a cached prefix is counted
    # What the fast brain calls: one entry per round, each a list of tools, by name or as [name, raw arguments].
    tool_rounds: list[list[str | tuple[str, str]]] = [["category_price_stats"]]
    batching: Batching = Field(default_factory=Batching)
    tuning: Tuning = Field(default_factory=Tuning)
    models: list[Model] = [
        Model(id="fast"),
        Model(id="fast-digits", digits="single"),
        Model(id="fast-cents", style="cents"),
        Model(id="fast-words", style="words"),
        Model(id="fast-old", shutdown_date="2026-12-31"),
        Model(id="fast-small", context=2_048),
        Model(
            id="fast-thinking",
            reasoning=64,
            refuses=frozenset({"temperature", "max_tokens", "logprobs", "top_logprobs"}),
            tunable=False,
        ),
        # Names with a known public price.
        Model(id="gpt-4o-mini", owned_by="system"),
        Model(id="gpt-4.1-nano", owned_by="system", shutdown_date="2027-03-31"),
    ]

    def next_trouble(self, body: str) -> Trouble:
        """Takes the first scripted trouble that fits; "ok" without one."""
        for scripted in self.script:
            if scripted.match in body:
                if scripted.times > 0:
                    scripted.times -= 1
                if scripted.times == 0:
                    self.script.remove(scripted)
                return scripted.kind
        return "ok"

    def model(self, name: str) -> Model | None:
        return next((model for model in self.models if model.id == name), None)

    def change(self, **values: Any) -> None:
        """Several at once; `batching` and `tuning` may be given in part. Raises pydantic.ValidationError."""
        for name, value in values.items():
            if name in ("batching", "tuning") and isinstance(value, dict):
                for key, inner in value.items():
                    setattr(getattr(self, name), key, inner)
            else:
                setattr(self, name, value)
