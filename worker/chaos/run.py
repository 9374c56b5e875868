"""Lets faults strike one after the other while work goes on; how long work stood still after each, and what became of
it."""

import io
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from kombu.exceptions import OperationalError as BrokerAway

from db import chaos, datasets, engine
from db.engine import DatabaseAway, begin
from db.settings import settings
from db.types import DatasetState, Queue
from worker.chaos import faults
from worker.chaos.endpoint import MODEL, KnownEndpoint
from worker.chaos.faults import Fault, Scene
from worker.chaos.small_model import a_model_folder
from worker.chaos.stack import Stack, check_may_break
from worker.chaos.work import ENDPOINT, Pricing, Training, Verdict, Work, prepare
from worker.datasets import actions as datasets_actions

STUCK_SECONDS = 90.0  # of standing still: then whatever hinders is lifted, and it counts as stuck
END_SECONDS = 240.0  # that work may take to its end after the last fault
LOOK_SECONDS = 0.15
BUSY_SECONDS = 40.0  # that a fault waits for work to strike at
WORKED = (Queue.CPU, Queue.ENDPOINT)  # queues with work all the time


@dataclass
class Struck:
    """One fault that struck."""

    name: str
    recovery: float  # seconds until work went on
    is_stuck: bool = False
    waits_for: str = ""  # what had not come when it counted as stuck


@dataclass
class Report:
    """What `pricewright chaos` prints."""

    seed: int
    struck: list[Struck] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)  # faults that found nothing to strike at
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        clean = all(
            not (v.lost or v.doubled or v.stuck or v.paid_twice or v.past_cap or v.wrong) for v in self.verdicts
        )
        return clean and not any(each.is_stuck for each in self.struck)

    def table(self) -> list[dict[str, Any]]:
        """A line per kind of fault, and one for all. What a job suffered counts at every kind that struck while it was
        under way, and in the total once."""
        groups: dict[str, list[Struck]] = defaultdict(list)
        for each in self.struck:
            groups[each.name].append(each)
        lines = [self._line(name, struck, name) for name, struck in sorted(groups.items())]
        return [*lines, self._line("all", self.struck, None)]

    def _line(self, shown: str, struck: Sequence[Struck], fault: str | None) -> dict[str, Any]:
        concerned = [v for v in self.verdicts if fault is None or fault in v.faults]
        times = [each.recovery for each in struck] or [0.0]
        return {
            "fault": shown,
            "count": len(struck),
            "lost": sum(v.lost + v.wrong for v in concerned),
            "doubled": sum(v.doubled for v in concerned),
            "stuck": sum(each.is_stuck for each in struck) + sum(v.stuck for v in concerned),
            "paid_twice": sum(v.paid_twice for v in concerned),
            "past_cap": sum(v.past_cap for v in concerned),
            "median_recovery": round(median(times), 1),
            "worst_recovery": round(max(times), 1),
        }

    def as_json(self) -> dict[str, Any]:
        jobs = [asdict(verdict) | {"faults": sorted(verdict.faults)} for verdict in self.verdicts]
        return {"seed": self.seed, "good": self.is_good, "table": self.table(), "missed": self.missed, "jobs": jobs,
                "struck": [asdict(each) for each in self.struck]}  # fmt: skip


def run(seed: int, count: int, say: Callable[[str], None], *, only: str = "", short: bool = False) -> Report:
    """Starts a stack in the data folder, has faults strike it, ends it. `only`: what their names have in them; `short`:
    a few chosen ones, and less work. Raises UserError where the folder's data is not a test's."""
    schedule = faults.short() if short else faults.schedule(seed, count, only)
    check_may_break()
    report = Report(seed)
    stack, endpoint = Stack(), KnownEndpoint()
    scene = Scene(stack, endpoint, random.Random(seed))  # noqa: S311 - no secret
    with engine.access(is_open=True):
        try:
            say("starting a stack ...")
            stack.up()
            prepare(endpoint)
            _Chaos(scene, _lines(stack, endpoint, seed, small=short), report, say).go(schedule)
        finally:
            stack.down()
            endpoint.close()
            engine.engine().dispose()
    return report


def _lines(stack: Stack, endpoint: KnownEndpoint, seed: int, *, small: bool) -> list[Work]:
    asks: dict[str, object] = {"technique": "zero-shot", "model": f"{ENDPOINT}:{MODEL}"}
    lines: list[Work] = [
        Pricing(stack, endpoint, "cheap", {"technique": "lightgbm"}, 500 if small else 12_000, seed),
        Pricing(stack, endpoint, "endpoint, capped", asks, 200 if small else 1_200, seed, capped=True),
    ]
    if not small:
        lines.append(Pricing(stack, endpoint, "endpoint", asks, 1_200, seed))
        lines.append(Pricing(stack, endpoint, "batch", asks | {"batch": "on"}, 100, seed))
        model = settings().home / "small-model"
        lines.append(Training(stack, model if model.exists() else a_model_folder(model), seed))
    return lines


class _Chaos:
    def __init__(self, scene: Scene, lines: list[Work], report: Report, say: Callable[[str], None]) -> None:
        self._scene, self._stack, self._report, self._say = scene, scene.stack, report, say
        self._lines = lines
        self._ending = False

    def go(self, schedule: Sequence[Fault]) -> None:
        for number, fault in enumerate(schedule, 1):
            self._work_for(self._scene.chance.uniform(0.3, 2.0))
            struck = self._strike(fault)
            if struck is None:
                self._report.missed.append(fault.name)
                self._say(f"{number}/{len(schedule)} {fault.name}: nothing to strike at")
                continue
            self._report.struck.append(struck)
            state = f"STUCK ({struck.waits_for})" if struck.is_stuck else "went on"
            self._say(f"{number}/{len(schedule)} {fault.name}: {state} after {struck.recovery:.1f} s")
        self._stack.wake_stopped()
        self._ending = True
        self._work_until(lambda: all(line.is_idle for line in self._lines), END_SECONDS)
        for line in self._lines:
            if not line.is_idle:
                self._report.verdicts.append(Verdict(line.kind, 0, 0, stuck=1, faults=line.faults))
                self._say(f"{line.kind}: did not end")

    # Work goes on meanwhile

    def _step(self) -> None:
        for line in self._lines:
            with suppress(DatabaseAway):
                verdict = line.step(may_start=not self._ending)
                if verdict is not None:
                    self._report.verdicts.append(verdict)
                    if verdict.lost or verdict.wrong or verdict.paid_twice or verdict.past_cap or verdict.note:
                        self._say(f"{verdict}")

    def _work_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._step()
            time.sleep(LOOK_SECONDS)

    def _work_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            self._step()
            time.sleep(LOOK_SECONDS)
        return True

    # One fault

    def _strike(self, fault: Fault) -> Struck | None:
        self._work_until(lambda: self._is_busy(fault), BUSY_SECONDS)
        before, since = self._stack.ask(lambda session: (chaos.under_way(session), chaos.clock(session)))
        if not fault.strike(self._scene):
            return None
        for line in self._lines:
            if not line.is_idle:
                line.faults.add(fault.name)
        if fault.lift:
            self._work_for(fault.seconds)
            fault.lift(self._scene)
        began = time.monotonic()
        recovery = _Recovery(self._stack, fault, [chunk for chunk in before if chunk.queue in fault.queues], since)
        is_over = self._work_until(recovery.is_over, STUCK_SECONDS)
        struck = Struck(fault.name, time.monotonic() - began, not is_over, "" if is_over else recovery.waits_for)
        self._stack.wake_stopped()
        if struck.is_stuck:
            self._work_until(recovery.is_over, STUCK_SECONDS)
        return struck

    def _is_busy(self, fault: Fault) -> bool:
        """Whether each queue that the fault concerns has work under way."""
        busy = {chunk.queue for chunk in self._stack.ask(chaos.under_way)}
        return busy >= {queue for queue in fault.queues if queue in WORKED}


class _Recovery:
    """What has to come before work counts as going on after a fault."""

    def __init__(self, stack: Stack, fault: Fault, concerned: Sequence[chaos.UnderWay], since: float) -> None:
        self._stack, self._fault, self._concerned, self._since = stack, fault, concerned, since
        self._probe = _Probe() if {Queue.CONTROL, Queue.INTERACTIVE} & set(fault.queues) else None
        self.waits_for = ""

    def is_over(self) -> bool:
        try:
            self.waits_for = self._first_missing()
        except DatabaseAway:
            self.waits_for = "the database"
        return not self.waits_for

    def _first_missing(self) -> str:
        with begin() as session:
            if not chaos.has_moved(session, self._concerned):
                return "a chunk that was under way"
            for queue in self._fault.queues:
                if queue in WORKED and not chaos.queue_moves(
                    session, queue, self._since, self._concerned, settings().lease_seconds
                ):
                    return f"work on the {queue} queue"
        if self._probe is not None and not self._probe.is_seen():
            return "an upload that only the sweeper knew of"
        if "dashboard" in self._fault.name and not self._stack.page_answers():
            return "the pages"
        return ""


class _Probe:
    """Two small uploads, one after the other, whose messages are lost: they are looked at only when sweeper, broker and
    reader all work, and beat sends the sweeper more than what it had sent already."""

    def __init__(self) -> None:
        self._dataset_id: int | None = None
        self._left = 2

    def is_seen(self) -> bool:
        if self._dataset_id is None:
            self._dataset_id = self._upload()
            return False
        with begin() as session:
            state = datasets.get(session, self._dataset_id).state
        if state is DatasetState.FAILED:  # its readers died under a fault: another one is as good
            self._dataset_id = None
        if state is DatasetState.INSPECTED:
            self._left -= 1
            self._dataset_id = None
        return self._left <= 0

    def _upload(self) -> int | None:
        with suppress(BrokerAway, OSError):
            dataset_id = datasets_actions.upload(f"probe {time.time_ns()}", io.BytesIO(b"title,price\nlamp,3\n"))
            with begin() as session:
                chaos.forget_messages_of(session, dataset_id)
            return dataset_id
        return None
