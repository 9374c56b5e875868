"""The way from this process to its courier: calls go a slice at a time, with the money set aside before."""

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from db import jobs, limits
from db.completions import Stored
from db.engine import begin
from db.settings import settings
from db.types import Endpoint, Tariff
from worker.progress import Cancelled, Defer, Pause, Progress, Trouble
from worker.telemetry import tracing

log = logging.getLogger(__name__)

SLICE = 32  # calls for which money is set aside at once
LIVES = 3  # couriers that may die one after the other without bringing an answer
LATER_SECONDS = 60.0  # until a call is looked for again that a batch is answering
SOON_SECONDS = 5.0  # until the cap is looked at again, whose money is under way with calls of somebody else
LOOK_SECONDS = 1.0  # between two looks, while no answer comes, whether the job was cancelled
SILENT_SECONDS = 15.0  # of a courier that should say every 5 s that it goes on: then it hangs
START_SECONDS = 45.0  # besides, until its first word: a busy machine takes long to start Python


@dataclass(frozen=True, slots=True)
class Call:
    """One request, who asks it, and the most it can take."""

    hash: str
    model: str
    request: dict[str, Any]
    row: int
    most_in: int  # tokens
    most_out: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a call: an answer as it is stored, or why there is none."""

    stored: Stored | None = None
    error: str = ""
    refused: str = ""  # the parameter that the endpoint does not support

    @property
    def response(self) -> dict[str, Any]:
        return self.stored.response if self.stored else {}


@dataclass(slots=True)
class _Courier:
    """The courier's process and the thread that listens to it."""

    process: "subprocess.Popen[bytes]"
    heard: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)
    listener: threading.Thread = field(init=False)
    heard_at: float = field(default_factory=lambda: time.monotonic() + START_SECONDS)

    def listen(self) -> None:
        assert self.process.stdout is not None
        try:
            with self.process.stdout as lines, contextlib.suppress(ValueError):  # killed in the middle of a line
                for line in lines:
                    self.heard_at = time.monotonic()
                    if message := json.loads(line):
                        self.heard.put(message)
        finally:
            self.heard.put(None)

    def say(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died: the end of its output says so
            self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def flush(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.flush()

    def kill_if_it_hangs(self) -> None:
        """What it had sent is then booked as lost, as of every courier that dies; it holds up the chunk no longer."""
        if time.monotonic() - self.heard_at > SILENT_SECONDS:
            log.warning("The courier says nothing any more; it is killed.")
            self.process.kill()

    def forget_heard(self) -> None:
        """Drops what the courier told about calls that were given up; that it ended stays known."""
        with contextlib.suppress(queue.Empty):
            while self.heard.get_nowait() is not None:
                pass
            self.heard.put(None)

    def end(self) -> None:
        """Ends the courier, which first stores what is under way."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


_lock = threading.Lock()
_running: dict[tuple[int, str], _Courier] = {}


def _courier() -> _Courier:
    """The courier of this process and this database, started when first asked for."""
    key = (os.getpid(), settings().database)
    with _lock:
        courier = _running.get(key)
        if courier is None or courier.process.poll() is not None:
            for old_key in [k for k in _running if k[0] == key[0]]:
                _running.pop(old_key).end()
            courier = _running[key] = _start()
        return courier


def _start() -> _Courier:
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    courier = _Courier(
        subprocess.Popen(
            [sys.executable, "-m", "worker.llm.endpoint.courier"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # what kills the worker's group must not kill what keeps paid answers
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
    )
    courier.listener = threading.Thread(target=courier.listen, name="courier", daemon=True)
    courier.listener.start()
    return courier


def _bury(courier: _Courier) -> None:
    """Forgets a courier: one whose output ended is not asked again, though its process may still be about to end."""
    with _lock:
        for key in [key for key, each in _running.items() if each is courier]:
            del _running[key]
    courier.end()
    courier.process.wait()


def stop() -> None:
    """Ends this process's courier in order and waits for it; for tests and the end of scripts."""
    with _lock:
        for key in [key for key in _running if key[0] == os.getpid()]:
            courier = _running.pop(key)
            courier.end()
            courier.process.wait()
            courier.listener.join()


def ask(
    endpoint: Endpoint, calls: Sequence[Call], tariff: Tariff | None, progress: Progress, advance: int = 1
) -> dict[str, Outcome]:
    """Makes calls (no two with the same hash); outcomes by hash. `advance`: items that each answer brings forward.

    Raises Pause when no call will work until a person acts or the job's cap is reached, Defer when a batch is about
    to answer one of them or the rest of the cap is under way with calls of somebody else, Cancelled when the job should
    stop. What was answered until then is stored.
    """
    return _Asking(endpoint, calls, tariff, progress, advance).run()


class _Asking:
    def __init__(
        self, endpoint: Endpoint, calls: Sequence[Call], tariff: Tariff | None, progress: Progress, advance: int
    ) -> None:
        self._endpoint, self._tariff, self._progress, self._advance = endpoint, tariff, progress, advance
        self._left = deque(calls)
        self._out: dict[str, Call] = {}  # asked, not answered
        self._outcomes: dict[str, Outcome] = {}
        self._ahead = max(2 * SLICE, 2 * endpoint.max_concurrency)
        self._lives = LIVES
        self._pause: Pause | None = None  # why nothing more is asked
        self._batched = False
        self._held = False  # the cap has no room until something comes home
        self._capped: bool | None = None  # whether the job has a cap; None: nobody had to know yet

    def run(self) -> dict[str, Outcome]:
        if self._tariff is None:
            refuse_cap_without_price(self._endpoint, self._left, self._progress)
        courier = self._begin()
        courier.forget_heard()
        try:
            while self._left or self._out:
                if not self._stopped and len(self._out) <= self._ahead - SLICE and self._left:
                    self._ask_more(courier)
                if not self._out:
                    break
                try:
                    message = courier.heard.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    self._progress.advance(0)
                    courier.kill_if_it_hangs()
                    continue
                if message is None:
                    courier = self._again(courier)
                    continue
                self._hear(message)
        except Cancelled:
            courier.say({"op": "drop"})
            courier.flush()
            raise
        finally:
            if not self._out:
                self._progress.reserve(Decimal(0))
        if self._pause:
            raise self._pause
        if self._batched:
            raise Defer(LATER_SECONDS)
        if self._held:
            raise Defer(SOON_SECONDS)
        return self._outcomes

    @property
    def _stopped(self) -> bool:
        return self._pause is not None or self._batched or self._held

    def _begin(self) -> _Courier:
        courier = _courier()
        courier.say(
            {"op": "endpoint"}
            | {
                name: getattr(self._endpoint, name)
                for name in ("name", "base_url", "api_version", "key_env", "provider", "requests_per_minute",
                             "max_concurrency", "timeout_seconds", "key_id")
            }
        )  # fmt: skip
        return courier

    def _ask_more(self, courier: _Courier) -> None:
        """Hands over the next slice; a smaller one where the cap allows no more; Pause where it allows not even one
        call."""
        size = min(SLICE, len(self._left))
        while size:
            wanted = [self._left[i] for i in range(size)]
            try:
                self._progress.reserve(self._most([*self._out.values(), *wanted]))
                break
            except Pause as reason:
                if self._out:
                    return  # what is under way may turn out cheaper than it could be
                size //= 2
                if not size:
                    self._pause = reason
        for _ in range(size):
            self._say(courier, self._left.popleft())
        courier.flush()

    def _say(self, courier: _Courier, call: Call) -> None:
        self._out[call.hash] = call
        courier.say(
            {"op": "ask", "hash": call.hash, "endpoint": self._endpoint.name, "model": call.model,
             "request": call.request, "job_id": self._progress.job_id, "row": call.row,
             "most_usd": None if self._tariff is None else str(self._most([call])), "trace": tracing.parent()}
        )  # fmt: skip

    def _most(self, calls: Sequence[Call]) -> Decimal:
        if self._tariff is None:
            return Decimal(0)
        return sum((self._tariff.usd(call.most_in, 0, call.most_out) for call in calls), Decimal(0))

    def _again(self, dead: _Courier) -> _Courier:
        """Goes on after the courier died: a new one asks what is not answered, as far as the cap allows it beside what
        is lost."""
        self._lives -= 1
        _bury(dead)
        if self._lives <= 0:
            raise RuntimeError("the courier died again and again")
        log.warning("The courier died; starting another one for %d calls.", len(self._out))
        courier = self._begin()
        for call in list(self._out.values()):
            self._say(courier, call)
        courier.flush()
        return courier

    def _hear(self, message: dict[str, Any]) -> None:
        call = self._out.pop(message["hash"], None)
        if call is None:
            return  # of a list that was given up
        if message["tries"]:
            self._progress.trouble(Trouble(message["tries"], message["busy"], message["waited"]))
        if message["state"] == "done":
            stored = Stored(**message["stored"])
            self._outcomes[call.hash] = Outcome(stored)
            self._lives, self._held = LIVES, False
            self._mind_cost(stored)
            self._progress.advance(self._advance)  # by 0, too: it says whether the job was cancelled
            return
        kind, sentence = message["kind"], message["sentence"]
        if kind == "refused":
            self._outcomes[call.hash] = Outcome(error=sentence, refused=message["parameter"])
        elif kind == "row":
            self._outcomes[call.hash] = Outcome(error=sentence)
        elif kind == "batch":
            self._batched = True
        elif kind == "cap":
            self._left.appendleft(call)
            self._held = True
        elif self._pause is None:
            self._pause = Pause(sentence)

    def _mind_cost(self, stored: Stored) -> None:
        """Pauses a capped job whose answers come without their tokens: it would be charged past its cap unseen."""
        if stored.usd is not None or stored.job_id is None or stored.job_id != self._progress.job_id or self._pause:
            return
        if self._capped is None:
            self._capped = _has_cap(self._progress)
        if self._capped:
            self._pause = Pause(
                f"The endpoint {self._endpoint.name} does not say how many tokens its answers took, so the job's cap "
                "can't be kept; cancel the job and start it without a cap, or choose another endpoint."
            )


def _has_cap(progress: Progress) -> bool:
    if progress.job_id is None:
        return False
    with begin() as session:
        job_id = progress.job_id
        return jobs.get(session, job_id).cap_usd is not None or limits.is_month_limited(session, job_id)


def refuse_cap_without_price(endpoint: Endpoint, calls: Sequence[Call], progress: Progress) -> None:
    """Refuses a cap where nobody knows what a call costs: it can't be kept. Raises Pause."""
    if calls and _has_cap(progress):
        raise Pause(
            f"Nobody knows what {endpoint.name}:{calls[0].model} costs, so the job's cap can't be kept; "
            "enter its prices on the Endpoints page, then resume."
        )
