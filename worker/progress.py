"""The handle through which long work says how far it is, books what it spends, and learns that it should stop."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


class Cancelled(Exception):
    """The job was cancelled, paused or taken over; unwind without committing."""


class Pause(Exception):
    """Going on is useless or not allowed until a person acts; the job is paused and the text says why, in a sentence.

    What was answered and stored before is kept and not paid for again.
    """


class Defer(Exception):
    """The answers come later: the chunk is given back and tried again after `seconds`, or when somebody wakes it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.0f} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went on behind the answers of an endpoint. Sums with `+`."""

    retries: int = 0
    rate_limit_waits: int = 0
    waited_seconds: float = 0.0

    def __add__(self, other: "Trouble") -> "Trouble":
        return Trouble(
            self.retries + other.retries,
            self.rate_limit_waits + other.rate_limit_waits,
            self.waited_seconds + other.waited_seconds,
        )


class Progress(Protocol):
    job_id: int | None
    """The job that pays for calls; None outside of one."""
    chunk_id: int | None
    """The chunk at work: who is woken when answers of a batch are there; None outside of a job."""

    def advance(self, n: int = 1) -> None:
        """Say that n more items are done. Cheap enough to call per batch. Raises Cancelled when work should stop."""
        ...

    def reserve(self, usd: Decimal) -> None:
        """Before paid calls that may cost up to `usd`: sets it aside under the job's cap, in place of what this chunk
        had set aside before. Raises Pause when the cap would be passed."""
        ...

    def trouble(self, what: Trouble) -> None:
        """Add to the chunk's books."""
        ...


class Silent:
    """Progress that nobody watches, for tests and benchmarks."""

    job_id: int | None = None
    chunk_id: int | None = None

    def advance(self, n: int = 1) -> None:
        del n

    def reserve(self, usd: Decimal) -> None:
        del usd

    def trouble(self, what: Trouble) -> None:
        del what


class Aside:
    """Progress of work that comes before the answers: it can be stopped and costs money, but finishes no item."""

    def __init__(self, progress: Progress) -> None:
        self.job_id = progress.job_id
        self.chunk_id = progress.chunk_id
        self.reserve = progress.reserve
        self.trouble = progress.trouble
        self._advance = progress.advance

    def advance(self, n: int = 1) -> None:
        del n
        self._advance(0)
