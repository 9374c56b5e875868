"""What jobs leave as results beside metrics of prices: one frozen model per kind, with its JSON in the database."""

from decimal import Decimal
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field


class JobResult(BaseModel):
    """The whole JSON of a result, or of one of its parts. What was not said is not written."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """Results of earlier versions lack what came later, which then has its default."""
        return cls.model_validate(values)

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class TrainingResult(JobResult):
    """The result of a fine-tune, and of a gate job, which measures an adapter again."""

    adapter: str = ""  # its number; "": the job is not so far
    metrics: dict[str, Any] = Field(default_factory=dict)  # of the adapter, on validation rows
    gate_report: dict[str, Any] | None = None  # worker.evaluation.gate.Report as JSON
    spent_usd: Decimal = Decimal(0)  # paid to an endpoint until the training was over


class PilotResult(JobResult):
    """What a training would take, reckoned from a few steps: the whole of it, its gate included."""

    seconds: float
    low_seconds: float  # at least, and at most
    high_seconds: float
    apart_seconds: float = 0.0  # of them, those that do not grow with rows or epochs
    steps: int
    rows: int = 0
    tokens: int = 0
    tokens_per_second: float = 0.0
    priced_per_second: float = 0.0
    usd: float = 0.0
    basis: str = ""  # a sentence: what this rests on

    def later(self, seconds: float) -> "PilotResult":
        """The same with so many seconds before it."""
        names = ("seconds", "low_seconds", "high_seconds")
        return self.model_copy(update={name: getattr(self, name) + seconds for name in names})


class IndexResult(JobResult):
    """What an index job brought into a knowledge base (db.knowledge.changes.Outcome), and what it has to embed."""

    added: int
    updated: int
    unchanged: int
    removed: int
    refused: dict[str, int]  # reason -> lines
    from_train: int  # of the train side
    to_embed: int


class Racer(JobResult):
    """One technique in a race, and how it stands there."""

    job: int
    is_driven: bool = True  # else its prices were there, or on their way, before
    usd_per_row: float | None = None  # expected before the start; None: unknown
    fit_usd: float | None = 0.0  # expected for what is paid once, before the first row; None: unknown
    rows: int | None = None  # after so many it was out; None = it is in
    why: str = ""  # worse, close, or a sentence when it left for another reason
    rival: int | None = None  # the job for whose sake it is out


class Round(JobResult):
    """Where a race stood after a block, a value for each technique in the order of the racers."""

    rows: int  # so far
    usd: float | None  # paid for them, and for learning, by the jobs that the race drives; None: unknown
    whole_usd: float | None  # what pricing all rows with all of these techniques would have taken, at this rate
    leader: int  # job
    figures: tuple[float | None, ...]
    gaps: tuple[tuple[float, float, float] | None, ...]  # worse than the leader by, from, to


class RaceResult(JobResult):
    """The result of a race, so far or at its end."""

    racers: tuple[Racer, ...]
    bound: float  # in the measure's unit: what one group's difference counts for at most
    clipped: int = 0  # differences that were beyond it, of all pairs
    rounds: tuple[Round, ...] = ()
    ended: str = ""  # clear, rows (used up) or alone (nobody else could go on); "" = it goes on

    @property
    def left(self) -> list[Racer]:
        """Those that are in."""
        return [racer for racer in self.racers if racer.rows is None]


class LeakKind(JobResult):
    """What a search found of one kind of leak (worker.evaluation.leakage.KINDS)."""

    kind: str
    rows: tuple[int, ...] = ()  # of the test side, the most similar first
    compared: int = 0  # test rows that were looked at
    by_accident: float | None = None  # rows that would be so alike without a leak; None: nobody knows
    threshold: float | None = None  # similarity; None: it needs none
    planted: int = 0  # copies that were planted to calibrate it
    found: float | None = None  # share of them that was found


class LeakPair(JobResult):
    """A test row beside what it is a copy of."""

    kind: str
    row: int
    title: str
    description: str  # the beginning of it
    price: float
    score: float
    known: str = ""  # key of the known item; "": a prompt, or its own text
    where: str = ""  # train | knowledge base | the prompt's name | the words that tell the price
    known_title: str = ""
    known_description: str = ""
    known_price: float | None = None


class Unknown(JobResult):
    """Values of a column that the rows which were learned from never had."""

    rows: int  # that have one
    values: int  # different ones
    most: tuple[tuple[str, int], ...]  # the most frequent, with their rows


class ElsewhereResult(JobResult):
    """What setting a table beside the dataset that was learned from shows."""

    rows: int  # of the table
    unknown: dict[str, Unknown]  # column -> its new values
    copies: tuple[int, ...]  # rows that are copies or near-copies of rows that were learned from
    same: int  # of them, those that differ in nothing but case and punctuation
    promise: dict[str, Any] | None = None  # `measures`: worker.evaluation.promise.Kept of each; `on`, `level`


class LeakageResult(JobResult):
    """What a search for leaks found."""

    test_rows: int
    known_items: int  # train rows, and what knowledge bases have besides
    kinds: tuple[LeakKind, ...]
    pairs: tuple[LeakPair, ...]  # the most telling of each kind
    train_told: int = 0  # train rows whose text tells their price
    not_compared: str = ""  # a sentence: why nothing was compared by meaning
    notes: tuple[str, ...] = ()  # sentences: what adapters learned from elsewhere, and how far that was searched

    @property
    def rows(self) -> tuple[int, ...]:
        """Test rows that are suspect in any way, in rising order."""
        return tuple(sorted({row for kind in self.kinds for row in kind.rows}))


class PriceSuspect(JobResult):
    """A known price that nothing explains (worker.evaluation.price_suspects.SUSPECTS), with its item."""

    row: int
    title: str
    category: str
    price: float  # $, as it is known
    score: float
    guess: float
    likely: float
    reason: str
    other: int | None = None


class PriceCheckResult(JobResult):
    """What a check of known prices found, the worst first."""

    checked: int  # prices of the train and validation sides
    suspects: tuple[PriceSuspect, ...]


class RecheckedVerdict(JobResult):
    """What became of a saved verdict."""

    verdict: int  # its number
    reasons: tuple[str, ...] = ()  # sentences: why it no longer holds
    notes: tuple[str, ...] = ()  # sentences: what changed without changing it, and what could not be looked at
    usd: Decimal | None = None  # of deciding anew; None: unknown
    seconds: float = 0.0
    anew: str = ""  # the same in a sentence

    @property
    def holds(self) -> bool:
        return not self.reasons


class RecheckResult(JobResult):
    """What became of the saved verdicts on a dataset."""

    verdicts: tuple[RecheckedVerdict, ...]


class RungResult(JobResult):
    """What one way of pricing learned from one part of a dataset."""

    way: str
    rows: int
    seconds: float  # of learning
    errors: tuple[float | None, ...]  # $ of each measured row; None: no price came
    weights: tuple[float, ...] = ()  # how much each of these rows counts; (): all alike
    weighted_by: str = ""  # the column that says so; "": none

    @property
    def error(self) -> float | None:
        """Mean error in $ of the rows that got a price, weighted by their weights; None: none did."""
        weights = self.weights or (1.0,) * len(self.errors)
        known = [(error, weight) for error, weight in zip(self.errors, weights, strict=True) if error is not None]
        total = sum(weight for _, weight in known)
        return sum(error * weight for error, weight in known) / total if known else None


class Simulated(JobResult):
    """How often a technique was called worse in simulated comparisons."""

    worse: float  # than the others, as a share of its errors; 0: all are equal, so any loser is a false one
    share: float
    error: float  # the standard error of the share
    rounds: int


class VerdictCheckResult(JobResult):
    """The error rates of a comparison, simulated on its own predictions."""

    techniques: int
    rows: int  # that were simulated with
    groups: int  # of near-duplicates among them
    simulated: tuple[Simulated, ...] = ()
