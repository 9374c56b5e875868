"""The log of the test server: every request in order, with its time and the hash of its body."""

import hashlib
import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request. Times are seconds since the epoch."""

    number: int  # in order of arrival, from 0
    at: float
    path: str
    body: dict[str, Any]
    sha256: str  # of the body with its keys sorted
    via: str = "direct"  # or "batch": a line of a batch that was worked on
    trouble: str = "ok"
    status: int = 0  # 0: not answered (yet); a broken answer keeps the status it began with
    answered_at: float = 0.0
    gone: bool = False  # the client had left before the answer was sent
    tokens_in: int = 0
    tokens_out: int = 0
    is_repeated: bool = False  # an answer that was made, and charged, before under the same idempotency key
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_paid(self) -> bool:
        """An answer was made: its tokens would be on the bill, whether or not it arrived."""
        return self.status == 200 and not self.is_repeated


class RequestLog:
    """All requests since the start or the last `clear`."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.in_flight = 0
        self.highest_concurrency = 0

    def arrived(self, path: str, body: dict[str, Any], via: str = "direct", headers: Any = ()) -> Entry:
        entry = Entry(len(self.entries), time.time(), path, body, body_hash(body), via, headers=dict(headers))
        self.entries.append(entry)
        return entry

    def entered(self) -> None:
        self.in_flight += 1
        self.highest_concurrency = max(self.highest_concurrency, self.in_flight)

    def left(self) -> None:
        self.in_flight -= 1

    def repeats(self, *, paid: bool = False) -> dict[str, int]:
        """sha256 -> how often, of the bodies that came more than once; `paid`: that were answered more than once."""
        counts = Counter(entry.sha256 for entry in self.entries if entry.is_paid or not paid)
        return {sha256: n for sha256, n in counts.items() if n > 1}

    def bill(self, usd_per_million: Decimal) -> Decimal:
        """What all answers that were begun cost, arrived or not; the same price for tokens in and out."""
        tokens = sum(entry.tokens_in + entry.tokens_out for entry in self.entries if entry.is_paid)
        return tokens * usd_per_million / 1_000_000

    def counts(self) -> dict[str, Any]:
        """The log in a few numbers."""
        statuses = Counter(str(entry.status) for entry in self.entries)
        paid = [entry for entry in self.entries if entry.is_paid]
        return {
            "requests": len(self.entries),
            "bodies": len({entry.sha256 for entry in self.entries}),
            "repeated": len(self.repeats()),
            "paid": len(paid),
            "paid_twice": len(self.repeats(paid=True)),
            "statuses": dict(statuses),
            "tokens_in": sum(entry.tokens_in for entry in paid),
            "tokens_out": sum(entry.tokens_out for entry in paid),
            "in_flight": self.in_flight,
            "highest_concurrency": self.highest_concurrency,
        }

    def clear(self) -> None:
        self.entries.clear()
        self.highest_concurrency = self.in_flight


def as_json(entry: Entry) -> dict[str, Any]:
    return asdict(entry)


def body_hash(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
