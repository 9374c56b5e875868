"""How many requests and tokens may come, and how the server says so: buckets that refill steadily."""

import time
from collections.abc import Callable

from tests.fake_openai.settings import Settings
from tests.fake_openai.troubled import Refused, retry_after


class Bucket:
    """Holds `size`, refills at `rate` per second. `now` in seconds."""

    def __init__(self, size: float, rate: float, now: float) -> None:
        self.size, self.rate, self.level, self.at = size, rate, size, now

    def refill(self, now: float) -> None:
        self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = now

    def wait(self, amount: float) -> float:
        """Seconds until so much is there; 0 = take it now."""
        # A thousandth of tolerance, so that a client who waits exactly as long as it was told is not refused again.
        return max(0.0, (min(amount, self.size) - self.level - 1e-3) / self.rate)

    @property
    def until_full(self) -> float:
        return max(0.0, (self.size - self.level) / self.rate)


class Limits:
    """The rate limits of the whole server, rebuilt when a test changes them."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings, self.clock = settings, clock
        self._made_for: tuple[float | None, float | None, float] | None = None
        self.requests = self.tokens = Bucket(1, 1, clock())

    def take(self, tokens: int) -> dict[str, str]:
        """Books one request; gives the headers of its answer. Raises Refused with 429."""
        settings = self.settings
        if settings.rps is None:
            return {}
        wished = (settings.rps, settings.burst, settings.tpm)
        now = self.clock()
        if wished != self._made_for:
            self._made_for = wished
            size = settings.burst if settings.burst is not None else max(1.0, settings.rps)
            self.requests = Bucket(size, settings.rps, now)
            self.tokens = Bucket(settings.tpm, settings.tpm / 60, now)
        self.requests.refill(now)
        self.tokens.refill(now)
        waits = {"requests": self.requests.wait(1), "tokens": self.tokens.wait(tokens)}
        kind, wait = max(waits.items(), key=lambda pair: pair[1])
        if wait > 0:
            limit = settings.rps * 60 if kind == "requests" else settings.tpm
            short = "RPM" if kind == "requests" else "TPM"
            raise Refused(
                429,
                f"Rate limit reached on {kind} per min ({short}): Limit {limit:.0f}. "
                f"Please try again in {duration(wait)}.",
                kind,
                "rate_limit_exceeded",
                headers=self._headers() | retry_after(wait, settings),
            )
        self.requests.level -= 1
        self.tokens.level -= tokens
        return self._headers()

    def _headers(self) -> dict[str, str]:
        """`limit` is per minute, as OpenAI states it; `remaining` is in the bucket; `reset`: until it is full."""
        rps = self.settings.rps or 0.0
        return {
            "x-ratelimit-limit-requests": f"{rps * 60:.0f}",
            "x-ratelimit-remaining-requests": str(max(0, int(self.requests.level + 1e-3))),
            "x-ratelimit-reset-requests": duration(self.requests.until_full),
            "x-ratelimit-limit-tokens": f"{self.settings.tpm:.0f}",
            "x-ratelimit-remaining-tokens": str(max(0, int(self.tokens.level))),
            "x-ratelimit-reset-tokens": duration(self.tokens.until_full),
        }


def duration(seconds: float) -> str:
    """As OpenAI writes it: 20ms, 1.2s, 6m0s, 1h2m3s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + tail
