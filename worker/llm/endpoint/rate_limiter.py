"""The brakes on calls to one model of one endpoint: as fast as it allows and no faster, found out while calling.

Two brakes. The pace: a bucket that fills at the allowed rate (set by hand, told by the rate-limit headers, or learnt
from refusals). The width: calls under way at once, which grows while all is well and shrinks with a refusal (additive
increase, multiplicative decrease). And a pause as long as Retry-After says. No clock of its own: the caller passes
the time, so that tests need not wait.
"""

import math
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

START = 8  # calls at once before anything is known
SHRINK = 0.7  # of the width, after a refusal without a known rate
UNDER = 0.99  # of an allowed rate that is known: answers arrive unevenly, refusals cost more than this
BELOW = 0.97  # of the rate that got through, when a refusal says it was too much
GROWTH = 0.005  # per second, of a rate that was only learnt: it may be higher by now, or was taken too low
HASTE_SECONDS = 3.0  # without a refusal, until that growth doubles
BURST_SECONDS = 0.1  # of the allowed rate that may go at once, to make up for a delay
LEAST_BURST = 1.2  # calls; what is left of that where the endpoint minds
BURST_GROWTH = 0.02  # per second
WATCHED_SECONDS = 3.0  # over which the rate that gets through is measured
LONGEST_PAUSE = 60.0  # seconds, where the endpoint does not say how long


@dataclass(slots=True)
class Flow:
    """The brakes of one model; all times in seconds of one steadily growing clock."""

    most: int  # calls at once, never more
    set_rate: float | None = None  # calls per second, as somebody set it; shared out among processes
    width: float = 0.0
    told_rate: float | None = None  # by headers
    learnt_rate: float | None = None  # from refusals
    resume_at: float = 0.0
    under_way: int = 0
    _burst: float = BURST_SECONDS  # seconds
    _tokens: float = 1.0
    _filled_at: float | None = None
    _grown_at: float = 0.0
    _refusals: int = 0  # in a row
    _shrunk_at: float = -math.inf
    _started: bool = False  # a refusal ended the first, fast growth
    _through: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.width = float(min(self.most, START))

    def rate(self) -> float | None:
        """Calls per second that are allowed now; None when nothing is known."""
        known = [rate for rate in (self.set_rate, self.told_rate) if rate is not None]
        slowed = [rate * UNDER for rate in known] + ([self.learnt_rate] if self.learnt_rate is not None else [])
        return min(slowed, default=None)

    def wait(self, now: float) -> float | None:
        """Seconds until the next call may go; 0 = now, None = when one that is under way comes back."""
        if self.under_way >= int(self.width):
            return None
        if now < self.resume_at:
            return self.resume_at - now
        rate = self.rate()
        if rate is None:
            return 0.0
        self._fill(now, rate)
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / rate

    def go(self, now: float) -> None:
        """Notes that a call goes out."""
        self.under_way += 1
        if (rate := self.rate()) is not None:
            self._fill(now, rate)
            self._tokens -= 1

    def answered(self, now: float, headers: Mapping[str, str]) -> None:
        """Notes that a call came back with an answer."""
        self.under_way -= 1
        self._refusals = 0
        if now >= self.resume_at:
            self._through.append(now)
        self._forget(now)
        haste = 2.0 ** min(6.0, (now - self._shrunk_at) / HASTE_SECONDS)
        self.width = min(float(self.most), self.width + min(1.0, haste / self.width if self._started else 1.0))
        since = max(0.0, now - self._grown_at)
        self._grown_at = now
        self._burst = min(BURST_SECONDS, self._burst * (1 + BURST_GROWTH * since))
        if self.learnt_rate is not None:
            self.learnt_rate *= 1 + GROWTH * haste * since
        self._read(headers)

    def failed(self) -> None:
        """Notes that a call came back without an answer, for a reason that has nothing to do with how many there
        are."""
        self.under_way -= 1

    def refused(self, sent_at: float, now: float, retry_after: float | None, luck: float) -> None:
        """Notes that a call was refused because there are too many. `luck` in [0, 1) spreads the pause where none was
        told."""
        self.under_way -= 1
        self._refusals += 1
        pause = retry_after
        if pause is None:
            pause = luck * min(LONGEST_PAUSE, 0.25 * 2 ** min(self._refusals, 10))
        self.resume_at = max(self.resume_at, now + pause)
        if sent_at <= self._shrunk_at:
            return  # sent before the last step down: the same news once more
        self._shrunk_at = now
        self._started = True
        rate = self.rate()
        if rate is not None and self.learnt_rate is None:
            # The rate is known and kept, so too many came at once.
            self._burst = max(LEAST_BURST / rate, self._burst / 2)
        else:
            got = self._got(now)
            self.width = max(1.0, (self.under_way + 1) * SHRINK)
            if got is not None:
                self._through.clear()  # what is measured next begins after the pause
                self.learnt_rate = max(0.05, min(self.learnt_rate or math.inf, got * BELOW))
                self.width = max(self.width, float(min(self.under_way + 1, self.most)))  # the rate brakes from now on
            elif self.learnt_rate is not None:
                self.learnt_rate = max(0.05, self.learnt_rate * BELOW)
        self._grown_at = now

    def _fill(self, now: float, rate: float) -> None:
        since = now - self._filled_at if self._filled_at is not None else 0.0
        self._tokens = min(max(LEAST_BURST, rate * self._burst), self._tokens + since * rate)
        self._filled_at = now

    def _got(self, now: float) -> float | None:
        """Calls per second that got through lately; None while that is too short to tell."""
        span = now - self._through[0] if self._through else 0.0
        return len(self._through) / span if len(self._through) >= 5 and span > 0.2 else None

    def _forget(self, now: float) -> None:
        while self._through and self._through[0] < now - WATCHED_SECONDS:
            self._through.popleft()

    def _read(self, headers: Mapping[str, str]) -> None:
        rate = told(headers, self.under_way)
        if rate is not None:
            self.told_rate = rate


def told(headers: Mapping[str, str], under_way: int) -> float | None:
    """Requests per second that x-ratelimit-* headers in OpenAI's format allow; None when they don't say.

    The limit is one per minute. Where it is one per day (small accounts), what remains may go at a minute's pace until
    it is nearly used up; then the rate at which it comes back holds: (limit - remaining) / reset.
    """
    try:
        limit = float(headers.get("x-ratelimit-limit-requests", ""))
        remaining = float(headers.get("x-ratelimit-remaining-requests", ""))
    except ValueError:
        return None
    if limit <= 0:
        return None
    reset = seconds(headers.get("x-ratelimit-reset-requests", ""))
    if reset and remaining < limit and remaining <= under_way:
        return min(limit / 60, (limit - remaining) / reset)
    return limit / 60


_UNIT = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|d|h|m|s)")


def seconds(text: str) -> float | None:
    """A span of time as OpenAI writes it: "6m0s", "1.2s", "12ms", "1d2h", or plain seconds; None for anything else."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not text or _SPAN.sub("", text):
        return None
    return sum(float(number) * _UNIT[unit] for number, unit in _SPAN.findall(text))
