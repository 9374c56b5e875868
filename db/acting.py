"""On whose behalf this process acts right now.

Each kind of process says once how that is found out: pages from the browser's session, the command line from the
operating system. Workers say nothing: they act for the product itself, and what they make belongs to whoever asked
for it. Because it is asked anew every time, no callback and no thread of a page can act for somebody else.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from db.types import Person

_source: Callable[[], Person | None] | None = None
_other: ContextVar[Person | None] = ContextVar("_other", default=None)


def identify(source: Callable[[], Person | None] | None) -> None:
    """Let `source` say who acts in this process; None: nobody does, it is the product's own."""
    global _source  # noqa: PLW0603 - one per process
    _source = source


def person() -> Person | None:
    """Who acts; None: the product itself."""
    if (other := _other.get()) is not None:
        return other
    return _source() if _source else None


@contextmanager
def acting_as(somebody: Person) -> Iterator[None]:
    """Act for somebody else until the block ends: a schedule for its owner, a test for anybody."""
    token = _other.set(somebody)
    try:
        yield
    finally:
        _other.reset(token)
