"""Who of this machine's processes is dead, stopped or hung, and what becomes of the work that was theirs.

A lease says only after a while that its owner is gone. On the owner's own machine it can be seen at once: by the
parent, which looks every few seconds, for its own children and for those of a worker that was killed with them.
"""

import logging
import os
import socket
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

from db import recovery
from db.engine import Session
from db.settings import settings

log = logging.getLogger(__name__)

STOPPED_SECONDS = 4.0
"""A process that the system has stopped (SIGSTOP) for longer than this is killed: whoever started it starts another."""


def owner() -> str:
    """The name under which this process takes chunks."""
    return f"{_machine()}:{os.getpid()}"


@cache
def _machine() -> str:
    """What tells the processes that one can see by number here from all others: the host's name, its boot, and the
    space of process numbers, of which each container has its own."""
    marks = [socket.gethostname()]
    with suppress(OSError):
        marks.append(Path("/proc/sys/kernel/random/boot_id").read_text()[:8])
        marks.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return "/".join(marks)


class Stopped:
    """Since when which processes are stopped. Kills those that are for too long."""

    def __init__(self) -> None:
        self._since: dict[tuple[int, float], float] = {}

    def kill(self, processes: Iterable[psutil.Process]) -> None:
        """To be called every few seconds with the processes to look at."""
        now, seen = time.monotonic(), dict[tuple[int, float], float]()
        for process in processes:
            with suppress(psutil.Error):
                if process.status() != psutil.STATUS_STOPPED:
                    continue
                key = (process.pid, process.create_time())
                seen[key] = self._since.get(key, now)
                if now - seen[key] >= STOPPED_SECONDS:
                    log.warning("Process %s was stopped and does not go on; it is killed.", process.pid)
                    process.kill()
        self._since = seen


class Hung:
    """When each child was last seen idle or holding a lease. Kills those that work and hold none: whatever they do,
    somebody else does it by now."""

    def __init__(self) -> None:
        self._well: dict[int, float] = {}

    def kill(self, children: Collection[int], busy: Collection[int], holders: Collection[int]) -> None:
        """To be called every few seconds. `busy`: those with a task; `holders`: those with a lease that runs."""
        now = time.monotonic()
        self._well = {pid: self._well.get(pid, now) for pid in children}
        for pid in children:
            if pid not in busy or pid in holders:
                self._well[pid] = now
            elif now - self._well[pid] > patience():
                log.warning("Process %s works without a lease, so it hangs; it is killed.", pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)


def patience() -> float:
    """Seconds for which a child may work without a lease: none is there while it takes one, or ends."""
    return max(5.0, settings().lease_seconds / 2)


def release_dead(session: Session) -> set[int]:
    """End the leases of this machine's processes that are no more, and give the numbers of those that hold one."""
    held = recovery.holders(session, f"{_machine()}:")
    dead = [name for name, pid in _numbers(held).items() if not _lives(pid)]
    if dead:
        recovery.release(session, dead)
    return {pid for name, pid in _numbers(held).items() if held[name] and name not in dead}


def _lives(pid: int) -> bool:
    """Whether there is a process of this number, and not only what is left of one that nobody asked about."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _numbers(held: Mapping[str, bool]) -> dict[str, int]:
    return {name: int(name.rsplit(":", 1)[1]) for name in held}
