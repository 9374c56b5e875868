"""What a step gets and what it gives back: one chunk in its hands, and a commit that stores what came of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from db import chunks
from db.engine import Session, begin
from db.types import Chunk, Job
from worker.progress import Cancelled, Progress

Commit = Callable[[Session], chunks.Tally]


class Writing(Protocol):
    """Opens a transaction along the way: Work.writing, handed down to what keeps something before the step ends."""

    def __call__(self, *, even_cancelled: bool = False) -> AbstractContextManager[Session]: ...


@dataclass(frozen=True, slots=True)
class Work:
    """One chunk in the hands of a step. Only steps see it: what they call gets values."""

    job: Job
    chunk: Chunk
    progress: Progress
    scratch: Path  # a folder that is removed when the chunk ends, however it ends

    @contextmanager
    def writing(self, *, even_cancelled: bool = False) -> Iterator[Session]:
        """A transaction along the way, which stands only if the chunk is still ours at its end and, unless
        `even_cancelled`, the job was not cancelled. Raises Cancelled.

        A worker that comes back from a pause of the network must not write over what the one that took its chunk wrote.
        """
        with begin() as session:
            yield session
            if not chunks.is_held(session, self.chunk, even_cancelled=even_cancelled):
                raise Cancelled
