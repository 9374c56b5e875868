"""The protocol of a language model, as techniques see it: prompts in; prices with their doubt, or texts, out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from worker.progress import Progress
from worker.specs.price_bounds import USUAL, Bounds

Statistic = Literal["median", "mean", "log-mean", "mode"]
Precision = Literal["auto", "int8", "nf4"]
"""Arithmetic of a model on this machine; auto: what its processor is good at."""

Pooling = Literal["mean", "last"]
"""What of a prompt's hidden states is kept: the mean over the item's own tokens, or the state after the last one."""

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles that a reading of a distribution carries."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """`system` + `shared` + `text` + `ask`, tokenised apart, so that what items have in common is computed once.

    `text` is the product (and what else is the item's own) and only data: words in it that look like control tokens
    are read as plain letters.
    """

    shared: str  # the same for many items: instructions and examples
    text: str  # this item's
    ask: str  # ends so that a price follows: "... Price: $"
    system: str = ""  # the system message of a chat; a model without roles reads it first, on lines of its own
    row: int = -1  # the item's row: whose prediction bears the cost of a paid call

    @property
    def user(self) -> str:
        """All but the system message, as it is sent."""
        return self.shared + self.text + self.ask


@dataclass(frozen=True, slots=True)
class Readout:
    """The way a price is read from the model."""

    greedy: bool = False  # parse the model's text instead of reading its distribution over prices
    bounds: Bounds = USUAL  # prices above and below are not considered
    currency: str = ""  # code of what is asked for; "" = dollars, or nobody said


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, seconds and money that one or more model calls took. Sums with `+`."""

    tokens_in: int = 0
    tokens_cached: int = 0  # of tokens_in, those billed at the cached tariff
    tokens_out: int = 0  # generated, or scored beyond the prompt
    seconds: float = 0.0  # this item's share of its batch; waiting time of a call to an endpoint
    usd: float | None = None  # None: no tariff, machine seconds are what it costs; NaN: paid, but the price is unknown
    saved_usd: float = 0.0  # what a stored answer would have cost anew

    def __add__(self, other: "Spent") -> "Spent":
        both = None if self.usd is None and other.usd is None else (self.usd or 0.0) + (other.usd or 0.0)
        return Spent(
            self.tokens_in + other.tokens_in,
            self.tokens_cached + other.tokens_cached,
            self.tokens_out + other.tokens_out,
            self.seconds + other.seconds,
            both,
            self.saved_usd + other.saved_usd,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer to a question for a price."""

    spent: Spent
    price: float | None = None  # greedy or structured: what the text says; None when no price can be read from it
    statistics: Mapping[str, float] = field(default_factory=dict)  # Statistic -> $; empty without a distribution
    quantiles: tuple[float, ...] = ()  # $ at LEVELS; empty without a distribution
    evidence: Mapping[str, Any] = field(default_factory=dict)  # "answer" (text), "likeliest" ({dollars: share}), ...
    error: str | None = None  # no answer came: the prediction is `failed`, with this reason


@dataclass(frozen=True, slots=True)
class Written:
    """One answer in words."""

    spent: Spent
    text: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call. `run` gets the item's row and the model's arguments; it returns what the model
    reads. A ValueError becomes the tool's answer, so that the model can try again."""

    name: str
    about: str
    parameters: Mapping[str, Any]  # JSON schema of the arguments
    run: Callable[[int, Mapping[str, Any]], str]


class LanguageModel(Protocol):
    signature: str  # changes when the same prompt would get another answer
    context: int  # tokens that a prompt and its answer may have together
    speaks: bool  # follows instructions; a model that does not only goes on with a text

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text; an upper estimate where the model's tokenizer is not at hand."""
        ...

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        """Each text's beginning, `tokens` tokens at most."""
        ...

    def price(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        """One reading per prompt, in the order of the prompts; `progress` advances as they come."""
        ...

    def write(
        self, prompts: list[Prompt], max_tokens: int, progress: Progress, schema: Mapping[str, Any] | None = None
    ) -> list[Written]:
        """Answers in words, each at most max_tokens long. `schema`: asks for JSON of this schema where the model can
        be held to one; the caller still parses with care."""
        ...

    def hidden_states(self, prompts: list[Prompt], pooling: Pooling, progress: Progress) -> npt.NDArray[np.float32]:
        """(n, width) last layer's states of the prompts, in their order; a prompt that is too long has a line of NaN.

        Raises NotReady where a model keeps its inside to itself.
        """
        ...

    def price_with_tools(
        self, prompts: list[Prompt], tools: list[Tool], max_calls: int, readout: Readout, progress: Progress
    ) -> list[Reading]:
        """Like `price`, but the model may call tools first; evidence holds "calls": [{name, arguments, result}].

        Raises NotReady where the model can't call functions.
        """
        ...
