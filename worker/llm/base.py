"""What does a language model look like to a technique? Prompts in, prices with their doubt out."""

from dataclasses import dataclass
from typing import Literal, Protocol

from worker.progress import Progress

Statistic = Literal["median", "mean", "log-mean", "mode", "greedy"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """`shared` + `text` + `ask`, tokenised apart, so that `shared` is computed once for all items that have it.

    `text` is the product and only data: words in it that look like control tokens are read as plain letters.
    """

    shared: str  # instructions and examples
    text: str  # the product; cut at max_text_tokens
    ask: str  # ends so that digits follow: "... Price: $"
    max_text_tokens: int = 110


@dataclass(frozen=True, slots=True)
class Readout:
    """How a price is read from the model."""

    statistic: Statistic = "median"  # of the distribution over whole dollars; "greedy" parses the model's text
    max_price: int = 999  # dollars; prices above are not considered


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer. `price` is None when no price can be read from it."""

    price: float | None
    low: float | None  # 5 % and 95 % quantile of the distribution; None for greedy text
    high: float | None
    tokens_in: int
    tokens_out: int  # generated, or scored beyond the prompt
    seconds: float  # this item's share of its batch
    evidence: str  # JSON: the text, or a summary of the distribution


class PriceModel(Protocol):
    signature: str  # changes when the same prompt would get another answer

    def price(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        """One reading per prompt, in the order of the prompts; `progress` advances after every batch."""
        ...
