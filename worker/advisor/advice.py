"""The Advisor's content as plain values: a table of ways with what was measured of each, and what to try next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from db.types import Family
from worker import amounts

Unit = Literal["seconds", "dollars", "rows", "share", "examples", "neighbours", ""]
Column = Literal["advantages", "disadvantages", "when"]

COLUMNS: dict[Column, str] = {
    "advantages": "Advantages",
    "disadvantages": "Disadvantages",
    "when": "When to use it",
}
"""Column of the table -> its head."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a number comes from, or what would measure it."""

    page: str  # the noun of a page, as dashboard.shared.navigation.path takes it
    label: str  # "job 12", "Run RAG"
    names: Mapping[str, str] = field(default_factory=dict)  # what the page's address names besides the dataset
    command: str = ""  # the same in a terminal; "" = there is none


@dataclass(frozen=True, slots=True)
class Fact:
    """What is said in general of a way, and what was measured of it here."""

    key: str  # error, time, cost, per_1000, latency, context, freshness, rows, forgetting, slice
    claim: str  # what is said of the way in general
    text: str  # what was measured here, its number and doubt included; or that it was not measured, and why
    link: Link  # the run that measured it; of what was not measured, the run that would
    is_measured: bool
    value: float | None = None  # the figure in `text`; None where that is no single number
    unit: Unit = ""
    low: float | None = None  # interval at the level of the comparison, where there is one
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """A line of the table."""

    family: Family
    name: str  # "Prompting"
    about: str  # what stands for it: the run with the least error of its kind, or that none was run
    job: int | None  # None: nothing of its kind was run
    advantages: tuple[Fact, ...]
    disadvantages: tuple[Fact, ...]
    when: tuple[Fact, ...]

    def cell(self, column: Column) -> tuple[Fact, ...]:
        """The facts of one cell."""
        cells: dict[Column, tuple[Fact, ...]] = {
            "advantages": self.advantages, "disadvantages": self.disadvantages, "when": self.when,
        }  # fmt: skip
        return cells[column]


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something that was not run yet: what it takes, and what is known of what it would bring."""

    text: str  # "Prompt with examples (k=5)"
    ground: str  # a sentence: what the expected gain rests on, or what the run would tell
    link: Link
    usd: Decimal | None  # None: unknown
    seconds: float | None  # None: unknown
    gain: float | None = None  # $ of mean error; negative = less error; None: nobody knows
    low: float | None = None  # its interval
    high: float | None = None
    level: float | None = None  # of the interval
    extra: str = ""  # what comes to the cost and is not in it
    stays_behind: bool = False  # even with its gain it is surely worse than the run that is ahead

    @property
    def cost(self) -> str:
        """Such as: about $0.40, 2 min."""
        usd = "nobody knows yet what it costs" if self.usd is None else f"about {amounts.usd(self.usd)}"
        time = "" if self.seconds is None else f", {amounts.duration(self.seconds)}"
        return f"{usd}{time}{f', {self.extra}' if self.extra else ''}"

    @property
    def expected(self) -> str:
        """Such as: expected: mean error −$6.00 (95 % interval −$10.00 to −$2.00)."""
        if self.gain is None:
            return "what it brings is not known; this run would tell"
        if self.low is None or self.high is None or self.level is None:
            return f"expected: mean error {signed(self.gain)}, on too few rows to say how sure"
        ends = f"{signed(self.low)} to {signed(self.high)}"
        return f"expected: mean error {signed(self.gain)} ({amounts.level(self.level)} interval {ends})"

    @property
    def sentence(self) -> str:
        """What to try, what it takes and what to expect of it."""
        return f"{self.text}: {self.cost}; {self.expected}."


@dataclass(frozen=True, slots=True)
class Advice:
    """All that the Advisor says about a dataset."""

    dataset: int
    rows: int  # test rows that all compared runs priced; 0 = nothing was compared
    verdict: str  # which run is ahead, and which kinds are surely behind it; "" = nothing was compared
    ways: tuple[Way, ...]
    steps: tuple[NextStep, ...]  # the first is what to do next
    notes: tuple[str, ...]  # sentences on how to read the table
    you: Fact | None = None  # how far a person's own guesses were off; None: nobody guessed


def signed(usd: float) -> str:
    """Dollars with their sign: +$1.20, −$6.00."""
    return f"{'−' if usd < 0 else '+'}{amounts.price(abs(usd))}"
