"""What happens when a worker process starts and stops: fork safety, devices, and saying hello to the database."""

import ctypes
import faulthandler
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil
from billiard.process import current_process
from celery import signals
from celery.beat import EmbeddedService
from celery.worker import state

from db import engine, workers
from db.engine import DatabaseAway
from db.servers.permissions import keep_private
from db.settings import settings
from db.types import Queue
from worker import children
from worker.app import RUN_CHUNK, app
from worker.health import checks, pulse, server
from worker.health import children as child_health
from worker.health.answer import Check
from worker.health.collector import Collector
from worker.telemetry import gpus as gpu_metrics
from worker.telemetry import logs

log = logging.getLogger(__name__)

HELLO_SECONDS = 5.0
LAST_WORDS_SECONDS = 30.0  # for booking that something took too long
QUIET_SECONDS = 60.0
"""A loop that has done nothing for so long stands still."""
_LOOP = "main loop"
LOOK_SECONDS = 2.0  # between two looks at our own children
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_PR_SET_PDEATHSIG = 1


def install() -> None:
    """Connect the handlers; called when the tasks are loaded, which only a worker does."""
    keep_private()
    signals.worker_process_init.connect(_child_started, weak=False)
    signals.beat_embedded_init.connect(_follow_parent, weak=False)
    signals.worker_ready.connect(_ready, weak=False)
    signals.worker_shutdown.connect(_gone, weak=False)
    signals.setup_logging.connect(_log_to_stderr, weak=False)


def gpu_count() -> int:
    """How many GPUs are there for us."""
    return len(gpus())


def gpus() -> list[str]:
    """CUDA's names of the GPUs that are there for us: what the user's own CUDA_VISIBLE_DEVICES leaves of those of this
    machine. Without touching CUDA: a process that has must not fork (celery/celery#3402)."""
    devices = _devices()
    wish = os.environ.get(_VISIBLE)
    if wish is None:
        return [str(number) for number in range(devices)]
    names = [name.strip() for name in wish.split(",")] if devices else []
    return list(takewhile(lambda name: _is_device(name, devices), names))  # CUDA, too, stops at the first wrong one


def _devices() -> int:
    return len([device for device in Path("/dev").glob("nvidia[0-9]*") if device.name[6:].isdecimal()])


def _is_device(name: str, devices: int) -> bool:
    if name.isdecimal():
        return int(name) < devices
    return name.startswith(("GPU-", "MIG-"))  # a device's own number, which is the same in every order


def _log_to_stderr(**_: Any) -> None:
    words = sys.argv
    kind = f"{words[words.index('-Q') + 1]} worker" if "-Q" in words[:-1] else "worker"
    logs.configure(kind, settings().log_format, asked_for=RUN_CHUNK)


def _queues() -> list[str]:
    return sorted(str(name) for name in app.amqp.queues.consume_from)


def _follow_parent(**_: Any) -> None:
    """Lets a child die with its parent: it would outlive one that was killed with -9, and go on working for nobody."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _child_started(**_: Any) -> None:
    """Set a fresh pool child up, before it loads any model."""
    engine.forget()  # sockets of the parent can't be shared
    _follow_parent()
    # OpenMP threads that spin while they wait take the core from whom they wait for: beside other work a fit of
    # LightGBM took ten times as long (docs/experiments.md). Read when the libraries load, which is later than this.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if _queues() == [Queue.INTERACTIVE]:
        _limit_memory(settings().interactive_memory_gb)
    _choose_devices(getattr(current_process(), "index", 0) or 0)  # a solo pool has no children, so no index


def _choose_devices(child: int) -> None:
    """Give each child of the gpu queue one of the GPUs that the user leaves us. On other queues they are hidden, so
    that nothing lands on one by accident, except where the user wants local models there (PRICEWRIGHT_DEVICE)."""
    if Queue.GPU in _queues():
        names = gpus()
        if names:  # else CUDA may still know better than /dev does
            os.environ[_VISIBLE] = names[child % len(names)]
    elif not settings().device.startswith("cuda"):
        os.environ[_VISIBLE] = ""


def _limit_memory(gigabytes: float) -> None:
    """Limit the process's memory: a file must not take the machine's, from whatever corner of whatever format.

    The data limit, not the address space: torch and Arrow map many times the memory that they ever use. A Mac accepts
    the limit and does not keep to it.
    """
    wanted = int(gigabytes * (1 << 30))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))


@contextmanager
def limited(seconds: float, give_up: Callable[[], None]) -> Iterator[None]:
    """Kill this process if the work inside is not done in time, after `give_up` was called to book that: what reads a
    file may hang in code that listens to no signal. Whoever started the process starts another one."""

    def end() -> None:
        try:
            give_up()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    # Where that thread gets no turn either, because the interpreter is held: from outside of it, without booking.
    # It writes to a file of the system's: what stands in the place of stderr (Celery's, a test's) may be none.
    faulthandler.dump_traceback_later(seconds + LAST_WORDS_SECONDS, exit=True, file=sys.__stderr__ or 2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        timer.cancel()
        timer.join()  # if it is at its work, that ends this process


def _hello(consumer: Any) -> None:
    pulse.beat(_LOOP)
    child_health.note(child_health.busy())
    try:
        with engine.begin() as session:
            workers.hello(
                session,
                consumer.hostname,
                _queues(),
                "cuda" if Queue.GPU in _queues() and gpu_count() else "cpu",
                consumer.controller.concurrency,
            )
    except DatabaseAway:
        log.warning("The database is away; this worker says hello again in %.0f s.", HELLO_SECONDS)


def _ready(sender: Any, **_: Any) -> None:
    pulse.beat(pulse.SWEEP)  # the first one is about to come
    _hello(sender)
    server.start(_probe())
    sender.timer.call_repeatedly(HELLO_SECONDS, _hello, (sender,))
    sender.timer.call_repeatedly(LOOK_SECONDS, _look, (sender, children.Stopped(), children.Hung()))


def _look(consumer: Any, stopped: children.Stopped, hung: children.Hung) -> None:
    """Look after our own: what is stopped or hangs is killed, what the dead held is free, and beat is there."""
    stopped.kill(psutil.Process().children(recursive=True))
    _keep_beat(consumer.controller)
    try:
        with engine.begin() as session:
            holders = children.release_dead(session)
    except DatabaseAway:
        return  # nobody can hold a lease now, which is no sign of anything
    mine = {pid for pid in consumer.pool.info.get("processes", ()) if pid != os.getpid()}
    busy = {request.worker_pid for request in state.active_requests if request.worker_pid}
    hung.kill(mine, busy, holders)


def _keep_beat(worker: Any) -> None:
    """Start beat again where it has died. Celery does not, and nothing would be done on time any more."""
    if worker.beat is not None and not worker.beat.is_alive():
        log.warning("Beat is gone; it is started again.")
        worker.beat = EmbeddedService(
            worker.app, schedule_filename=worker.schedule_filename, scheduler_cls=worker.scheduler
        )
        worker.beat.start()


def _probe() -> server.Probe:
    """What this worker tells on its port."""
    queues = _queues()
    controls = Queue.CONTROL in queues

    def health() -> list[Check]:
        swept = [checks.alive(pulse.SWEEP, max(QUIET_SECONDS, 6.0 * settings().sweep_seconds))] if controls else []
        return [checks.alive(_LOOP, QUIET_SECONDS), child_health.check(), *swept]

    def ready() -> list[Check]:
        return [*health(), *checks.work(queues)]

    collect = Collector().update if controls else gpu_metrics.update if Queue.GPU in queues else None
    return server.Probe(f"{', '.join(queues)} worker", health, ready, *([collect] if collect else []))


def _gone(sender: Any, **_: Any) -> None:
    try:
        with engine.begin() as session:
            workers.goodbye(session, sender.hostname)
    except DatabaseAway:
        log.warning("The database is away; the worker's entry will age out.")
