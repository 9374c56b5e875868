"""Sends the calls to one model of one endpoint: when, how often again, and when enough is enough."""

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from db.completions import Answer
from db.engine import DatabaseAway, begin
from db.errors import NotReady
from db.types import Endpoint, Tariff
from worker.endpoints import clients, failures, tariffs
from worker.endpoints.failures import Failure, Kind
from worker.llm.endpoint.rate_limiter import Flow
from worker.llm.endpoint.responses import compact, is_answer, usage
from worker.telemetry import tracing

TRIES = 6  # of a call that fails for a reason that may pass
SLOW_TRIES = 3  # of a call that the endpoint does not answer in time
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0  # seconds between tries, doubling, times a random share (full jitter)
PATIENCE_SECONDS = 900.0  # of nothing but "too many requests"
SEVERAL = 3  # different calls that fail without one that works in between: the endpoint is ill, not the call
TARIFF_SECONDS = 60.0  # how long a tariff is kept before it is looked up again


@dataclass(slots=True)
class Call:
    """One request on its way."""

    hash: str
    endpoint: str
    model: str
    request: dict[str, Any]
    job_id: int | None
    row: int | None
    most_usd: str | None = None  # that a try can cost, a decimal; None: nobody knows
    trace: str = ""  # the span that it hangs below; "": nobody traces it
    tries: int = 0  # beyond the first
    busy: int = 0  # times that it was told to wait
    waited: float = 0.0  # seconds of that
    failures: int = 0
    slow: int = 0
    may_be_charged: bool = False  # for the last try, though it brought no answer
    busy_since: float | None = field(default=None)


class Lane:
    """Calls wait in line, go out as `Flow` allows, and end as an answer or a failure."""

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        depart: Callable[[Call], Awaitable[bool]],
        refused: Callable[[Call], None],
        done: Callable[[Call, Answer], None],
        failed: Callable[[Call, Failure], None],
        ending: asyncio.Event,
    ) -> None:
        """`depart` says whether a call may go out now, having noted that it does; `refused` notes that it came back at
        no cost. What may not go out is not the lane's any more."""
        self.endpoint = endpoint
        self.flow = Flow(endpoint.max_concurrency)
        self._model = model
        self._depart, self._refused = depart, refused
        self._done, self._failed, self._ending = done, failed, ending
        self._line: deque[Call] = deque()
        self._moved = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._ill: set[str] = set()  # calls that failed since the last answer
        self._broken: Failure | None = None
        self._client: Any = None
        self._retired: list[Any] = []
        self._senders = 1
        self._tariff: tuple[float, Tariff | None] | None = None
        self._dispatcher = asyncio.create_task(self._dispatch())
        self.share(1)

    @property
    def is_idle(self) -> bool:
        return not self._under_way and not self._line

    def renew(self, endpoint: Endpoint) -> None:
        """Begins anew for a person or a new run: perhaps with another key or another limit."""
        if endpoint != self.endpoint:
            self.flow = Flow(endpoint.max_concurrency)
            # Kept until the end: a client that is let go unclosed takes its sockets out from under the event loop.
            self._retired.append(self._client)
            self._client = None
        self.endpoint, self._tariff = endpoint, None
        self._broken = None
        self._ill.clear()
        self.share(self._senders)

    def share(self, senders: int) -> None:
        """Notes how many processes call this endpoint: a limit that was set by hand is theirs together."""
        self._senders = max(1, senders)
        allowed = self.endpoint.requests_per_minute
        self.flow.set_rate = allowed / 60 / self._senders if allowed else None

    def put(self, call: Call) -> None:
        self._line.append(call)
        self._moved.set()

    def take_back(self) -> list[Call]:
        """Takes calls that were not sent yet out of the line."""
        unsent = list(self._line)
        self._line.clear()
        return unsent

    async def finish(self) -> None:
        """Sends nothing more; waits for what is under way."""
        self._dispatcher.cancel()
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        for client in [*self._retired, self._client]:
            if client is not None:
                await client.close()

    async def _dispatch(self) -> None:
        while True:
            if self._ending.is_set():
                return
            if self._broken:
                for call in self.take_back():
                    self._failed(call, self._broken)
            pause = self.flow.wait(time.monotonic()) if self._line else None
            if pause == 0.0:
                self._send(self._line.popleft())
                continue
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), pause)
            except TimeoutError:
                continue

    def _send(self, call: Call) -> None:
        self.flow.go(time.monotonic())
        task = asyncio.create_task(self._ask(call))
        self._under_way.add(task)
        task.add_done_callback(self._back)

    def _back(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._moved.set()
        if not task.cancelled() and (error := task.exception()):
            raise error

    async def _ask(self, call: Call) -> None:
        flow = self.flow
        if call.busy_since is not None:
            call.waited += time.monotonic() - call.busy_since
        try:
            client = self._client = self._client or clients.async_client(self.endpoint)
        except NotReady as error:
            flow.failed()
            self._break(call, Failure(Kind.FATAL, str(error)))
            return
        if not await self._depart(call):
            flow.failed()
            return
        sent_at = time.monotonic()
        try:
            # The client's own limit is one between two bytes: an answer that trickles would never be given up.
            async with asyncio.timeout(self.endpoint.timeout_seconds):
                raw = await client.chat.completions.with_raw_response.create(
                    # An endpoint that knows such keys makes, and charges, one answer for all tries of a request.
                    **_arguments(call.request), extra_headers={"Idempotency-Key": call.hash}
                )  # fmt: skip
            body = raw.http_response.json()
            if not is_answer(body):
                raise ValueError("no choices")
            kept, (tokens_in, cached, out, is_counted) = compact(body), usage(body)
        except Exception as error:
            self._wrong(call, failures.explain(error, self.endpoint, call.model, call.request), flow, sent_at)
            return
        now = time.monotonic()
        flow.answered(now, raw.http_response.headers)
        call.busy_since = None
        self._ill.clear()
        usd: Decimal | None = None
        if tariff := await self._current_tariff():
            known = is_counted or not (tariff.input or tariff.output)
            usd = tariff.usd(tokens_in, cached, out) if known else None
        answered_by = str(body.get("model") or "")
        self._trace(call, now - sent_at, answered_by=answered_by, tokens=(tokens_in, out) if is_counted else None)
        self._done(call, Answer(call.hash, kept, tokens_in, cached, out, usd, now - sent_at))

    def _trace(self, call: Call, seconds: float, **outcome: Any) -> None:
        where = self.endpoint
        tracing.call(
            call.trace,
            base_url=where.base_url,
            provider=where.provider,
            model=call.model,
            begun=time.time() - seconds,
            **outcome,
        )

    def _wrong(self, call: Call, failure: Failure, flow: Flow, sent_at: float) -> None:
        now = time.monotonic()
        self._trace(call, now - sent_at, wrong=failure.kind)
        call.may_be_charged = failure.may_be_charged
        if not call.may_be_charged:
            self._refused(call)
        if failure.kind is Kind.BUSY:
            flow.refused(sent_at, now, failure.retry_after, random.random())  # noqa: S311 - no secret
            call.busy += 1
            call.busy_since = now
            call.tries += 1
            if (failure.retry_after or 0.0) > PATIENCE_SECONDS:
                minutes = round((failure.retry_after or 0.0) / 60)
                told = f"{failure.sentence} It wants to be left alone for {minutes} minutes; resume after that."
                self._break(call, Failure(Kind.FATAL, told))
            elif call.waited > PATIENCE_SECONDS:
                self._break(call, Failure(Kind.FATAL, f"{failure.sentence} It has been so for a long time."))
            else:
                self._line.appendleft(call)
            return
        flow.failed()
        if failure.kind is Kind.FATAL:
            self._break(call, failure)
        elif failure.kind is Kind.AGAIN:
            self._again(call, failure)
        else:
            self._failed(call, failure)

    def _again(self, call: Call, failure: Failure) -> None:
        """Plans another try after a pause, or ends this call, or all."""
        self._ill.add(call.hash)
        call.failures += 1
        call.slow += failure.slow
        if call.failures < TRIES and call.slow < SLOW_TRIES:
            call.tries += 1
            pause = random.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (call.failures - 1))  # noqa: S311
            task = asyncio.create_task(self._later(call, max(pause, failure.retry_after or 0.0)))
            self._under_way.add(task)
            task.add_done_callback(self._back)
        elif len(self._ill) >= SEVERAL:
            self._break(call, Failure(Kind.FATAL, f"{failure.sentence} Resume when it works again."))
        else:
            self._failed(call, Failure(Kind.ROW, f"{failure.sentence} It was tried {call.failures} times."))

    async def _later(self, call: Call, pause: float) -> None:
        with contextlib.suppress(TimeoutError):  # a worker that is gone wants no further tries
            await asyncio.wait_for(self._ending.wait(), pause)
        self._line.append(call)

    def _break(self, call: Call, failure: Failure) -> None:
        """Stops all calls, because none will work until a person acts."""
        self._broken = failure
        self._moved.set()
        self._failed(call, failure)

    async def _current_tariff(self) -> Tariff | None:
        now = time.monotonic()
        if self._tariff is None or self._tariff[0] < now:
            while True:
                try:
                    self._tariff = (now + TARIFF_SECONDS, await asyncio.to_thread(self._find_tariff))
                    break
                except DatabaseAway:  # there is an answer that is paid for: wait with it
                    await asyncio.sleep(FIRST_PAUSE)
        return self._tariff[1]

    def _find_tariff(self) -> Tariff | None:
        with begin() as session:
            return tariffs.find(session, self.endpoint, self._model)


KNOWN = frozenset(
    {"messages", "model", "temperature", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
     "response_format", "tools", "tool_choice", "parallel_tool_calls", "seed", "stop", "top_p", "n"}
)  # fmt: skip


def _arguments(request: dict[str, Any]) -> dict[str, Any]:
    """The request as the SDK takes it: what it does not know by name goes along all the same."""
    named = {name: value for name, value in request.items() if name in KNOWN}
    more = {name: value for name, value in request.items() if name not in KNOWN}
    return named | ({"extra_body": more} if more else {})
