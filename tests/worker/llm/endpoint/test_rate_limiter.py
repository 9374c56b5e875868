"""The limiter finds out how fast an endpoint may be asked, by its headers or without them."""

import heapq
import random

import pytest

from worker.llm.endpoint.rate_limiter import Flow


class Server:
    """A bucket that refills at `rate`; answers after `latency` seconds, refuses at once."""

    def __init__(self, rate: float, burst: float, *, headers: bool, latency: float = 0.3, jitter: float = 0.005):
        self.rate, self.burst, self.headers, self.latency, self.jitter = rate, burst, headers, latency, jitter
        self.level, self.at = burst, 0.0
        self.random = random.Random(1)

    def ask(self, now: float) -> tuple[bool, float, float, dict[str, str]]:
        """Whether it answers, when that arrives, Retry-After, headers."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        ok = self.level >= 1 - 1e-3
        if ok:
            self.level -= 1
        after = 0.0 if ok else (1 - self.level) / self.rate
        told = {}
        if self.headers:
            told = {
                "x-ratelimit-limit-requests": f"{self.rate * 60:.0f}",
                "x-ratelimit-remaining-requests": str(int(self.level)),
                "x-ratelimit-reset-requests": f"{(self.burst - self.level) / self.rate * 1000:.0f}ms",
            }
        delay = (self.latency if ok else 0.01) + self.random.random() * self.jitter
        return ok, now + delay, after, told


def simulate(flow: Flow, server: Server, until: float, since: float = 0.0) -> tuple[int, int, int]:
    """Answers and refusals after `since` seconds, and the most calls under way; the clock jumps between events."""
    now, answers, refusals, widest = 0.0, 0, 0, 0
    events: list[tuple[float, int, bool, float, float, dict[str, str]]] = []
    number = 0
    while now < until:
        pause = flow.wait(now)
        if pause == 0:
            number += 1
            flow.go(now)
            widest = max(widest, flow.under_way)
            ok, arrives, after, told = server.ask(now + 0.002 * server.random.random())
            heapq.heappush(events, (arrives, number, ok, now, after, told))
            continue
        following = events[0][0] if events else now + 1
        if pause is not None and now + pause < following:
            now += max(pause, 1e-4) + 0.002 * server.random.random()  # timers are late
            continue
        now, _, ok, sent_at, after, told = heapq.heappop(events)
        if ok:
            answers += now >= since
            flow.answered(now, told)
        else:
            refusals += now >= since
            flow.refused(sent_at, now, after, 0.5)
    return answers, refusals, widest


@pytest.mark.parametrize("burst_seconds", [0.2, 1, 60])
@pytest.mark.parametrize("rate", [5.0, 50.0, 400.0])
def test_an_endpoint_that_tells_its_limit_is_used_to_95_percent(rate, burst_seconds):
    flow = Flow(most=256)

    answers, refusals, _ = simulate(flow, Server(rate, max(1.0, rate * burst_seconds), headers=True), 60)

    assert answers >= 0.95 * rate * 60, (answers / rate / 60, refusals)
    assert refusals <= 0.1 * answers


@pytest.mark.parametrize("burst_seconds", [0.2, 1])
@pytest.mark.parametrize("rate", [5.0, 50.0, 400.0])
def test_an_endpoint_that_only_refuses_is_used_to_85_percent_after_a_while(rate, burst_seconds):
    flow = Flow(most=256)
    server = Server(rate, max(1.0, rate * burst_seconds), headers=False)

    answers, refusals, _ = simulate(flow, server, 90, since=30)

    assert answers >= 0.85 * rate * 60, (answers / rate / 60, refusals)
    assert refusals <= 0.25 * answers
