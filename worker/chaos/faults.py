"""Every fault that chaos knows: how it strikes, how it ends, and on which queues work must go on after it."""

import random
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil
from kombu.exceptions import OperationalError as BrokerAway

from db import chaos
from db.engine import DatabaseAway, begin
from db.errors import UserError
from db.types import Queue
from worker.app import RUN_CHUNK, app
from worker.chaos.endpoint import KnownEndpoint
from worker.chaos.stack import Stack

OUTAGE_SECONDS = 4.0  # of an endpoint, a full disk, messages held back


@dataclass
class Scene:
    """What faults strike at."""

    stack: Stack
    endpoint: KnownEndpoint
    chance: random.Random


@dataclass(frozen=True)
class Fault:
    """`strike` begins it and says whether there was anything to strike at; `lift` ends what does not end by itself,
    `seconds` later. Recovery counts from then."""

    name: str
    strike: Callable[[Scene], bool]
    queues: tuple[Queue, ...] = (Queue.CPU, Queue.ENDPOINT)
    seconds: float = 0.0
    lift: Callable[[Scene], None] | None = None


Find = Callable[[Stack], list[psutil.Process]]


def _one(find: Find, act: Callable[[Stack, psutil.Process], None]) -> Callable[[Scene], bool]:
    """Strikes one of the processes, whichever."""

    def strike(scene: Scene) -> bool:
        found = find(scene.stack)
        if not found:
            return False
        with suppress(psutil.NoSuchProcess):
            act(scene.stack, scene.chance.choice(found))
        return True

    return strike


def _kill(stack: Stack, process: psutil.Process) -> None:
    del stack
    process.kill()


def _stop(stack: Stack, process: psutil.Process) -> None:
    stack.stop(process)


def _of_processes() -> list[Fault]:
    """kill -9 and SIGSTOP of every kind of process."""

    def pool(queue: Queue) -> Find:
        return lambda stack: stack.children(queue)

    def main(queue: Queue) -> Find:
        return lambda stack: stack.mains(queue)

    def named(word: str) -> Find:
        return lambda stack: stack.find(word)

    both: tuple[Queue, ...] = (Queue.CPU, Queue.ENDPOINT)
    kinds: list[tuple[str, Find, tuple[Queue, ...]]] = [
        ("pool child, cpu", pool(Queue.CPU), (Queue.CPU,)),
        ("pool child, endpoint", pool(Queue.ENDPOINT), (Queue.ENDPOINT,)),
        ("pool child, interactive", pool(Queue.INTERACTIVE), (Queue.INTERACTIVE,)),
        ("beat", pool(Queue.CONTROL), (Queue.CONTROL,)),
        ("worker, cpu", main(Queue.CPU), (Queue.CPU,)),
        ("worker, endpoint", main(Queue.ENDPOINT), (Queue.ENDPOINT,)),
        ("worker, interactive", main(Queue.INTERACTIVE), (Queue.INTERACTIVE,)),
        ("sweeper", main(Queue.CONTROL), (Queue.CONTROL,)),
        ("courier", named("worker.llm.endpoint.courier"), (Queue.ENDPOINT,)),
        ("training", named("worker.training"), (Queue.CPU,)),
        ("dashboard", named("dashboard/app.py"), ()),
        ("broker", named("valkey"), both),
        ("database", _postmaster, both),
    ]
    faults = []
    for name, find, queues in kinds:
        faults.append(Fault(f"kill -9: {name}", _one(find, _kill), queues))
        faults.append(Fault(f"SIGSTOP: {name}", _one(find, _stop), queues))
    return faults


def _postmaster(stack: Stack) -> list[psutil.Process]:
    return stack.find("postgres", " -D ")


# --- Messages ---


def _with_broker(act: Callable[[Scene, object], None]) -> Callable[[Scene], bool]:
    def strike(scene: Scene) -> bool:
        try:
            with scene.stack.broker() as client:
                act(scene, client)
        except (BrokerAway, OSError):
            return False
        return True

    return strike


def _flush(scene: Scene, client: object) -> None:
    del scene
    client.flushall()  # type: ignore[attr-defined]


def _garble(scene: Scene, client: object) -> None:
    """What no worker can read, in front of each queue: no JSON, JSON of another kind, an unknown task, odd words."""
    send: Callable[[str, bytes], None] = client.rpush  # type: ignore[attr-defined]
    for queue in (Queue.CPU, Queue.ENDPOINT, Queue.INTERACTIVE, Queue.CONTROL):
        for rubbish in scene.chance.sample((b"\xff\xfe\0", b"{", b"[]", b"7", b"{}", b'{"body": 3}'), 3):
            send(queue, rubbish)
        for task, words in (("no.such.task", []), (RUN_CHUNK, ["a word"]), (RUN_CHUNK, []), (RUN_CHUNK, [10**30])):
            app.send_task(task, args=words, queue=queue, retry=False)


def _double(scene: Scene, client: object) -> None:
    """Every message that waits, twice more; and three for each chunk that is worked on."""
    for queue in Queue:
        for message in client.lrange(queue, 0, -1):  # type: ignore[attr-defined]
            for _ in range(2):
                client.lpush(queue, message)  # type: ignore[attr-defined]
    for chunk in scene.stack.ask(chaos.under_way):
        for _ in range(3):
            app.send_task(RUN_CHUNK, args=[chunk.id], queue=chunk.queue, retry=False)


_held: list[tuple[str, bytes]] = []


def _hold(scene: Scene, client: object) -> None:
    del scene
    for queue in Queue:
        while (message := client.rpop(queue)) is not None:  # type: ignore[attr-defined]
            _held.append((queue, message))


def _let_go(scene: Scene) -> None:
    with suppress(BrokerAway, OSError), scene.stack.broker() as client:
        for queue, message in _held:
            client.lpush(queue, message)
    _held.clear()


def _drop(scene: Scene, client: object) -> None:
    _hold(scene, client)
    _held.clear()


# --- Time, disk, endpoint ---


def _jump(seconds: float) -> Callable[[Scene], bool]:
    def strike(scene: Scene) -> bool:
        del scene
        try:
            for table in chaos.CLOCKED:  # one after the other: all at once would hold what others wait for
                with begin() as session:
                    chaos.shift_clock(session, table, seconds)
        except DatabaseAway:
            return False
        return True

    return strike


def _limit_files(processes: Sequence[psutil.Process], size: int) -> None:
    for process in processes:
        with suppress(psutil.Error, OSError):
            _, most = process.rlimit(resource.RLIMIT_FSIZE)
            process.rlimit(resource.RLIMIT_FSIZE, (size, most))


def _workers(stack: Stack) -> list[psutil.Process]:
    return stack.find("celery")


def _of_postgres(stack: Stack) -> list[psutil.Process]:
    return stack.find("postgres")


def _fill(find: Find) -> Callable[[Scene], bool]:
    def strike(scene: Scene) -> bool:
        found = find(scene.stack)
        _limit_files(found, 0)
        return bool(found)

    return strike


def _empty(find: Find) -> Callable[[Scene], None]:
    return lambda scene: _limit_files(find(scene.stack), resource.RLIM_INFINITY)


def _trouble(mode: str) -> Fault:
    def begin_(scene: Scene) -> bool:
        scene.endpoint.mode = mode
        return True

    def end(scene: Scene) -> None:
        scene.endpoint.mode = "ok"

    return Fault(f"endpoint {mode}", begin_, (Queue.ENDPOINT,), OUTAGE_SECONDS, end)


def _crash(scene: Scene) -> bool:
    scene.stack.crash()
    return True


ALL: tuple[Fault, ...] = (
    *_of_processes(),
    Fault("kill -9: supervisor, started again", _crash, (Queue.CPU, Queue.ENDPOINT, Queue.INTERACTIVE)),
    Fault("broker flushed", _with_broker(_flush)),
    Fault("messages: garbage", _with_broker(_garble), (Queue.CPU, Queue.ENDPOINT, Queue.INTERACTIVE)),
    Fault("messages: doubled", _with_broker(_double)),
    Fault("messages: dropped", _with_broker(_drop)),
    Fault("messages: delayed", _with_broker(_hold), seconds=OUTAGE_SECONDS, lift=_let_go),
    Fault("clock: one hour on", _jump(3_600.0)),
    Fault("clock: one minute back", _jump(-60.0)),
    Fault("disk full: workers", _fill(_workers), seconds=OUTAGE_SECONDS, lift=_empty(_workers)),
    Fault("disk full: database", _fill(_of_postgres), seconds=OUTAGE_SECONDS, lift=_empty(_of_postgres)),
    *(_trouble(mode) for mode in ("down", "slow", "silent", "garbage")),
)


SHORT = (
    "kill -9: worker, cpu", "SIGSTOP: pool child, endpoint", "messages: garbage", "kill -9: database",
    "kill -9: courier", "broker flushed", "kill -9: beat",
)  # fmt: skip
"""One of each sort, of those that take least time."""


def short() -> list[Fault]:
    return [fault for name in SHORT for fault in ALL if fault.name == name]


def schedule(seed: int, count: int, only: str = "") -> list[Fault]:
    """So many faults: each kind as often as any other, but for the rest, in an order that the seed decides. Raises
    UserError where `only` is in no fault's name."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    kinds = [fault for fault in ALL if only.lower() in fault.name.lower()]
    if not kinds:
        raise UserError(f"No fault has {only!r} in its name; there are: {', '.join(fault.name for fault in ALL)}.")
    out: list[Fault] = []
    while len(out) < count:
        out += chance.sample(kinds, len(kinds))
    return out[:count]
