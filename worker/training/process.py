"""Starts, watches and stops a training in a child process; what it writes is handed on as it comes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from db.errors import UserError
from db.job_results import PilotResult
from db.servers.processes import dies_with_parent
from db.types import Checkpoint, TrainingPoint
from worker.progress import Defer
from worker.training.task_folder import (
    CHECKPOINT,
    DONE,
    ERROR,
    LOG,
    OUTCOME,
    PILOT,
    PREDICTED,
    STOP,
    Outcome,
    Tail,
    Task,
    read_parts,
    step_of,
    tell_stored,
)

POLL_SECONDS = 0.5
BUSY_SECONDS = 30.0  # until a taken GPU is asked for again
BUSY = 75  # worker.training.device.BUSY, which can't be imported here: it loads torch
_ROOT = Path(__file__).resolve().parents[2]


class Watch(Protocol):
    """Who watches a training. Each method may raise worker.progress.Cancelled, which ends the training at once."""

    def points(self, points: Sequence[TrainingPoint]) -> None:
        """Take new points of the curve; called about twice a second, also with nothing new."""
        ...

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Take a state from which the training could go on."""
        ...

    def wants_stop(self) -> bool:
        """Whether the training should end now and keep the best that it has."""
        ...


def run(task: Task, folder: Path, watch: Watch) -> Outcome:
    """Train in a child process. Raises UserError with its reason, Defer while its GPU is taken by another training."""
    parts = _run(task, folder, watch)
    outcome = json.loads(parts.pop(OUTCOME))
    predicted = pl.read_parquet(parts.pop(PREDICTED))
    return Outcome(
        files=parts,
        step=outcome["step"],
        metrics=outcome["metrics"],
        predicted=predicted,
        seconds=outcome["seconds"],
        stopped=outcome["stopped"],
    )


def pilot(task: Task, folder: Path, watch: Watch) -> PilotResult:
    """What the training would take, measured in a few steps: worker.training.pilot."""
    return PilotResult.parse(json.loads(_run(task, folder, watch)[PILOT]))


def _run(task: Task, folder: Path, watch: Watch) -> dict[str, bytes]:
    task.write(folder)
    tail, handed_on = Tail(folder), None
    with (folder / LOG).open("ab") as log:
        # Its own name for the CUDA devices it sees, and our settings: the environment goes along.
        child = subprocess.Popen(
            [sys.executable, "-m", "worker.training", str(folder)],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Threads that spin while they wait take the core from whom they wait for: beside other work, two spinning
            # threads were measured to be five times slower than one.
            env={"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | {"TOKENIZERS_PARALLELISM": "false"},
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one system call, nothing that threads could disturb
        )
    try:
        while child.poll() is None:
            time.sleep(POLL_SECONDS)
            watch.points(tail.read())
            handed_on = _hand_on(folder, handed_on, watch)
            if watch.wants_stop():
                (folder / STOP).touch()
        watch.points(tail.read())
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    return _ended(folder, child.returncode)


def _hand_on(folder: Path, before: int | None, watch: Watch) -> int | None:
    """Pass on a checkpoint that is new; returns the step of the last one."""
    if step_of(folder / CHECKPOINT) in (None, before):
        return before
    began = time.monotonic()
    checkpoint = read_parts(folder / CHECKPOINT)
    if checkpoint is None:  # just being replaced
        return before
    watch.checkpoint(checkpoint)
    tell_stored(folder, time.monotonic() - began)
    return checkpoint.step


def _ended(folder: Path, code: int) -> dict[str, bytes]:
    if code == BUSY:
        raise Defer(BUSY_SECONDS)
    if code == 1 and (folder / ERROR).is_file():
        raise UserError((folder / ERROR).read_text())
    done = read_parts(folder / DONE)
    if code != 0 or done is None:
        last = (folder / LOG).read_text(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"The training's process ended with code {code}: {' '.join(last)}")
    return done.parts
