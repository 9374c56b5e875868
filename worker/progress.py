"""The handle through which long work says how far it is and learns that it should stop."""

from typing import Protocol


class Cancelled(Exception):
    """The job was cancelled, paused or taken over; unwind without committing."""


class Progress(Protocol):
    def advance(self, n: int = 1) -> None:
        """Say that n more items are done. Cheap enough to call per batch. Raises Cancelled when work should stop."""
        ...


class Silent:
    """Progress that nobody watches, for tests and benchmarks."""

    def advance(self, n: int = 1) -> None:
        del n
