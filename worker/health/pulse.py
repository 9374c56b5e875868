"""When the parts of this process last did something: a loop that stands still does not say so by itself."""

import time

SWEEP = "sweeper"

_last: dict[str, float] = {}


def beat(part: str) -> None:
    """Note that a part is at work now."""
    _last[part] = time.monotonic()


def silence(part: str) -> float | None:
    """Seconds since a part was last at work; None: it never was."""
    last = _last.get(part)
    return None if last is None else time.monotonic() - last


def forget() -> None:
    """Forget all parts: the process begins anew."""
    _last.clear()
