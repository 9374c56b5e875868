"""The process that brings calls to endpoints and answers to Postgres, even when the worker is killed meanwhile.

`python -m worker.llm.endpoint.courier` is a process of its own, one per worker child. It reads calls from stdin and
writes outcomes to stdout, both as JSON lines. An answer is committed before it is written out. When stdin ends (the
worker is gone) nothing new is sent, what is under way is waited for and stored, and the process ends: an answer that is
paid for is never lost with the worker. When the courier itself dies, its claims are free at once (db/presence.py), and
what it had sent, noted before it went out, is booked as lost (db/calls.py).

In:  {"op": "endpoint", ...fields of Endpoint}           how to reach it; also closes its breaker
     {"op": "ask", hash, endpoint, model, request, job_id, row, most_usd}
     {"op": "drop"}                                      forget what was not sent yet
Out: {"hash", "state": "done", "stored": {...}, "tries", "busy", "waited"}      or "state": "failed" with "kind" and
     "sentence"; a call that a batch answers has the kind "batch", one that the job's cap has no room for "cap".
     {}                                                  every few seconds: it goes on
"""

import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeVar

from db import calls as db_calls
from db import completions
from db.completions import Answer, Claim, Stored
from db.engine import DatabaseAway, Session, begin
from db.presence import LEASE_SECONDS, Presence
from db.types import Endpoint
from worker.endpoints.failures import Failure, Kind
from worker.llm.endpoint.dispatcher import Call, Lane

log = logging.getLogger(__name__)
Result = TypeVar("Result")

GROUP = 64  # calls claimed, or answers stored, in one transaction
GATHER_SECONDS = 0.03  # how long an answer may wait for others to be stored with it
BEAT_SECONDS = LEASE_SECONDS / 6
LOOK_SECONDS = 0.4  # between two looks at a call that somebody else waits for
LAST_WORDS_SECONDS = 300.0  # how long a courier without a worker tries to store what is paid for


class Courier:
    """The one object of the courier's process: what came in, what is whose, what goes out."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        self.ending = asyncio.Event()
        self._presence = Presence(self.owner)
        self._write = write
        self._endpoints: dict[str, Endpoint] = {}
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._inbox: deque[Call] = deque()
        self._answers: deque[tuple[Call, Answer]] = deque()
        self._foreign: dict[str, Call] = {}
        self._arrived, self._answered = asyncio.Event(), asyncio.Event()
        self._departing: list[Call] = []
        self._may_go: set[str] = set()
        self._back: set[str] = set()  # refused, which nobody noted yet
        self._noting = asyncio.Lock()
        self._asked_for: set[str] = set()

    # What comes in

    def hear(self, line: str) -> None:
        message = json.loads(line)
        operation = message.pop("op")
        if operation == "ask":
            call = Call(**message)
            if call.hash not in self._asked_for:
                self._asked_for.add(call.hash)
                self._inbox.append(call)
                self._arrived.set()
        elif operation == "endpoint":
            endpoint = Endpoint(**message)
            self._endpoints[endpoint.name] = endpoint
            for lane in self._lanes.values():
                if lane.endpoint.name == endpoint.name:
                    lane.renew(endpoint)
        elif operation == "drop":
            self._drop()

    def _drop(self) -> list[Call]:
        """Forgets every call that is not under way, and gives up the claims on it."""
        unsent = [call for lane in self._lanes.values() for call in lane.take_back()]
        for call in [*self._inbox, *self._foreign.values(), *unsent]:
            self._asked_for.discard(call.hash)
        self._inbox.clear()
        self._foreign.clear()
        if unsent and not self.ending.is_set():
            self._keep(asyncio.create_task(self._release(unsent)))
        return unsent

    async def _release(self, calls: Sequence[Call]) -> None:
        """Gives up claims; what may be charged is lost."""
        lost = [call.hash for call in calls if call.may_be_charged]
        free = [call.hash for call in calls if not call.may_be_charged]

        def release(session: Session) -> None:
            db_calls.lose(session, lost, self.owner)
            completions.free(session, free, self.owner)

        await _database(release)

    _tasks: set["asyncio.Task[Any]"] = set()  # noqa: RUF012 - one courier per process

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What happens all the time

    async def run(self) -> None:
        """Works until stdin ends, and then until what is under way is stored."""
        await _patiently(self._presence.keep)
        claiming = asyncio.create_task(self._claim_forever())
        storing = asyncio.create_task(self._store_forever())
        others = [asyncio.create_task(self._watch_forever()), asyncio.create_task(self._beat_forever())]
        for task in (claiming, storing, *others):
            task.add_done_callback(self._end_with)
        await self.ending.wait()
        self._arrived.set()
        await asyncio.wait([claiming])
        others[0].cancel()
        unsent = self._drop()
        for lane in self._lanes.values():
            await lane.finish()
        unsent += self._drop()  # what wanted another try
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._answered.set()
        await storing
        others[1].cancel()
        if unsent:
            await self._release(unsent)
        for lane in self._lanes.values():
            await lane.close()
        self._presence.end()

    def _end_with(self, task: "asyncio.Task[None]") -> None:
        """Ends the process with a task that ended: without one of its parts a courier would leave its worker waiting
        for ever: another one takes over."""
        if not task.cancelled() and (error := task.exception()):
            log.error("The courier ends early.", exc_info=error)
            self.ending.set()

    async def _claim_forever(self) -> None:
        while not self.ending.is_set():
            if not self._inbox:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            group = [self._inbox.popleft() for _ in range(min(GROUP, len(self._inbox)))]
            await self._claim(group)

    async def _claim(self, group: list[Call]) -> None:
        claims = [
            Claim(
                call.hash, call.endpoint, call.model, call.request, call.job_id, call.row,
                None if call.most_usd is None else Decimal(call.most_usd),
            )
            for call in group
        ]  # fmt: skip

        def take(session: Session) -> tuple[set[str], dict[str, Stored]]:
            ours = completions.claim(session, claims, self.owner)
            return ours, completions.look(session, [c.hash for c in group if c.hash not in ours])

        ours, known = await _database(take)
        for call in group:
            if call.hash in ours:
                self._lane(call).put(call)
            elif (found := known.get(call.hash)) is not None and found.state == "done":
                self._tell(call, found)
            elif found is not None and found.batch_id is not None:
                self._fail(call, Failure(Kind.AGAIN, "A batch answers this call."), kind="batch")
            else:
                self._foreign[call.hash] = call

    def _lane(self, call: Call) -> Lane:
        key = (call.endpoint, call.model)
        if key not in self._lanes:
            self._lanes[key] = Lane(
                self._endpoints[call.endpoint], call.model, self._depart, self._refused, self._done, self._failed,
                self.ending,
            )  # fmt: skip
        return self._lanes[key]

    async def _depart(self, call: Call) -> bool:
        """Whether a call may be sent now; then that stands in Postgres. Who comes while others are noted waits, and is
        noted together with all who waited."""
        self._departing.append(call)
        async with self._noting:
            if self._departing:
                try:
                    await self._note()
                except Exception:
                    log.exception("The courier ends early.")
                    self.ending.set()
        if call.hash not in self._may_go:
            return False
        self._may_go.discard(call.hash)
        return True

    async def _note(self) -> None:
        group, self._departing = self._departing, []
        if self.ending.is_set():
            for call in group:
                self._lane(call).put(call)  # from where it is dropped
            return
        hashes = [call.hash for call in group]
        unanswered = [call.hash for call in group if call.may_be_charged]
        self._back.difference_update(hashes)

        def note(session: Session) -> tuple[set[str], set[str]]:
            return db_calls.depart(session, self.owner, hashes, unanswered)

        gone, capped = await _database(note)
        self._may_go |= gone
        for call in group:
            call.may_be_charged = False  # for a try before this one: that is booked
            if call.hash in capped:
                self._keep(asyncio.create_task(self._give_up(call, Failure(Kind.FATAL, ""), kind="cap")))
            elif call.hash not in gone:  # we were taken for dead
                self._foreign[call.hash] = call

    def _refused(self, call: Call) -> None:
        self._back.add(call.hash)
        self._keep(asyncio.create_task(self._note_back()))

    async def _note_back(self) -> None:
        async with self._noting:
            if self._back:
                back, self._back = self._back, set()
                await _database(lambda session: db_calls.come_back(session, self.owner, back))

    async def _watch_forever(self) -> None:
        """Watches calls that somebody else makes, for their answers or their freedom."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._foreign:
                continue
            waiting = dict(self._foreign)
            known = await _database(lambda session, w=waiting: completions.look(session, list(w)))  # type: ignore[misc]
            for key, call in waiting.items():
                if self._foreign.pop(key, None) is None:
                    continue
                if (found := known.get(key)) is not None and found.state == "done":
                    self._tell(call, found)
                else:  # still under way, or free again: claiming finds out which
                    self._inbox.append(call)
                    self._arrived.set()

    async def _beat_forever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self._write("{}")
            names = {lane.endpoint.name for lane in self._lanes.values()}

            def beat(names: set[str] = names) -> dict[str, int]:
                self._presence.keep()
                with begin() as session:
                    completions.extend(session, self.owner)
                    return {name: completions.senders(session, name) for name in names}

            with contextlib.suppress(DatabaseAway):
                shares = await asyncio.to_thread(beat)
                for lane in self._lanes.values():
                    lane.share(shares.get(lane.endpoint.name, 1))

    # What goes out

    def _done(self, call: Call, answer: Answer) -> None:
        self._answers.append((call, answer))
        self._answered.set()

    def _failed(self, call: Call, failure: Failure) -> None:
        self._keep(asyncio.create_task(self._give_up(call, failure, kind=failure.kind)))

    async def _give_up(self, call: Call, failure: Failure, kind: str) -> None:
        await self._release([call])
        self._fail(call, failure, kind)

    async def _store_forever(self) -> None:
        while not (self.ending.is_set() and self._is_idle()):
            await self._answered.wait()
            if len(self._answers) < GROUP and not self.ending.is_set():
                await asyncio.sleep(GATHER_SECONDS)
            self._answered.clear()
            while self._answers:
                group = [self._answers.popleft() for _ in range(min(GROUP, len(self._answers)))]
                await self._store(group)

    def _is_idle(self) -> bool:
        return not self._answers and all(lane.is_idle for lane in self._lanes.values())

    async def _store(self, group: Sequence[tuple[Call, Answer]]) -> None:
        def keep(session: Session) -> dict[str, Stored]:
            completions.store(session, [answer for _, answer in group])
            return completions.look(session, [call.hash for call, _ in group])

        stored = await _database(keep)
        for call, _ in group:
            if (found := stored.get(call.hash)) is not None:
                self._tell(call, found)
            else:
                self._fail(call, Failure(Kind.ROW, "The dataset was deleted meanwhile."), kind=Kind.ROW)

    def _tell(self, call: Call, stored: Stored) -> None:
        self._out(call, {"state": "done", "stored": asdict(stored)})

    def _fail(self, call: Call, failure: Failure, kind: str) -> None:
        self._out(call, {"state": "failed", "kind": kind, "sentence": failure.sentence, "parameter": failure.parameter})

    def _out(self, call: Call, outcome: dict[str, Any]) -> None:
        self._asked_for.discard(call.hash)
        numbers = {"hash": call.hash, "tries": call.tries, "busy": call.busy, "waited": round(call.waited, 3)}
        self._write(json.dumps(numbers | outcome))


def _in_transaction(work: Callable[[Session], Result]) -> Result:
    with begin() as session:
        return work(session)


async def _database(work: Callable[[Session], Result]) -> Result:
    """Runs a transaction in a thread; tries again until the database is back: there are answers to be stored."""
    return await _patiently(lambda: _in_transaction(work))


async def _patiently(work: Callable[[], Result]) -> Result:
    began, pause = time.monotonic(), 0.2
    while True:
        try:
            return await asyncio.to_thread(work)
        except DatabaseAway as error:
            if os.getppid() == 1 and time.monotonic() - began > LAST_WORDS_SECONDS:
                raise
            log.warning("The database is away (%s); trying again.", str(error).splitlines()[0])
        await asyncio.sleep(pause * random.random())  # noqa: S311 - spreads tries, keeps no secret
        pause = min(5.0, pause * 2)


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more: what counts is stored
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


async def _main() -> None:
    courier = Courier(_say)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, courier.ending.set)
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def listen() -> None:
        while line := await reader.readline():
            courier.hear(line.decode())
        courier.ending.set()

    listening = asyncio.create_task(listen())
    await courier.run()
    listening.cancel()


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s courier %(process)d: %(message)s")
    asyncio.run(_main())


if __name__ == "__main__":
    main()
