"""The files through which a training, which runs in its own process, and the worker that watches it speak.

task.json, train.parquet, validation.parquet, replay.json, resume/ -> the training; events.jsonl, checkpoint/, done/,
error.txt <- the training; an empty file `stop` asks it to end early; `stored` says how many seconds the worker
needed to store its last checkpoint.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from db.types import Checkpoint, TrainingPoint
from worker.specs.finetune import TrainSpec

EVENTS, CHECKPOINT, DONE, ERROR, STOP, LOG = "events.jsonl", "checkpoint", "done", "error.txt", "stop", "log.txt"
STORED = "stored"
STEP = "step"  # in a folder of parts
STATE = "state.json"  # among the parts of a checkpoint
OUTCOME, PREDICTED, PILOT = "outcome.json", "predicted.parquet", "pilot.json"  # among what is done


@dataclass(frozen=True)
class Task:
    """All that a training needs to know."""

    spec: TrainSpec
    base: Path  # folder of the base model
    train: pl.DataFrame  # worker.finetune.examples.EXAMPLE_SCHEMA
    validation: pl.DataFrame
    replay: tuple[str, ...] = ()
    resume: Checkpoint | None = None
    pilot: bool = False  # only measure how fast it would go

    @property
    def identity(self) -> str:
        """Changes when the samples or the frozen layers change."""
        digest = hashlib.sha256(str(self.base).encode())
        for values in (self.train["row"], self.train["text"]):
            digest.update(repr(values.to_list()).encode())
        return digest.hexdigest() + self.spec.hash

    def write(self, folder: Path) -> None:
        """Write into an empty or used folder; what an earlier training put there and is no longer true goes."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (EVENTS, ERROR, STOP, STORED, LOG):
            (folder / name).unlink(missing_ok=True)
        for name in (CHECKPOINT, DONE, "resume"):
            shutil.rmtree(folder / name, ignore_errors=True)
        values = {"spec": self.spec.model_dump(mode="json"), "base": str(self.base), "pilot": self.pilot}
        (folder / "task.json").write_text(json.dumps(values))
        (folder / "replay.json").write_text(json.dumps(self.replay))
        self.train.write_parquet(folder / "train.parquet")
        self.validation.write_parquet(folder / "validation.parquet")
        if self.resume:
            write_parts(folder / "resume", self.resume.step, self.resume.parts)

    @classmethod
    def read(cls, folder: Path) -> "Task":
        values = json.loads((folder / "task.json").read_text())
        return cls(
            spec=TrainSpec.model_validate(values["spec"]),
            base=Path(values["base"]),
            train=pl.read_parquet(folder / "train.parquet"),
            validation=pl.read_parquet(folder / "validation.parquet"),
            replay=tuple(json.loads((folder / "replay.json").read_text())),
            resume=read_parts(folder / "resume"),
            pilot=values["pilot"],
        )


@dataclass(frozen=True)
class Outcome:
    """What came out of a training: the best checkpoint."""

    files: dict[str, bytes]  # of the adapter
    step: int
    metrics: dict[str, Any]  # of the best checkpoint, on validation rows
    predicted: pl.DataFrame  # row, price, truth: the validation rows that were priced
    seconds: float  # of all tries together
    stopped: bool  # early, because somebody asked or nothing got better


def write_parts(folder: Path, step: int, parts: dict[str, bytes]) -> None:
    """Put parts in place of those there, which are of another step; `read_parts` finds one or the other or nothing."""
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    (part / STEP).write_text(str(step))
    for name, data in parts.items():
        (part / name).write_bytes(data)
    # Before anything else goes: who still finds it after reading has read all parts, and those of one step.
    (folder / STEP).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def step_of(folder: Path) -> int | None:
    """The step that the parts in a folder are of; None: there are none, or they are being replaced."""
    try:
        return int((folder / STEP).read_text())
    except FileNotFoundError:
        return None


def read_parts(folder: Path) -> Checkpoint | None:
    """The parts in a folder; None: there are none, or they are being replaced."""
    step = step_of(folder)
    try:
        parts = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != STEP}
    except FileNotFoundError:
        return None
    return Checkpoint(step, parts) if step is not None and step == step_of(folder) else None


def tell_stored(folder: Path, seconds: float) -> None:
    """Tell the training what the worker had to do for its last checkpoint."""
    part = folder / f"{STORED}.part"
    part.write_text(repr(seconds))
    part.replace(folder / STORED)


def stored_seconds(folder: Path) -> float:
    """Seconds that the worker needed for the last checkpoint; 0 before the first is stored."""
    return float((folder / STORED).read_text()) if (folder / STORED).is_file() else 0.0


class Events:
    """Appends to events.jsonl, a line a point."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS

    def add(self, step: int, kind: str, **values: Any) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps({"step": step, "kind": kind, "values": values}) + "\n")


class Tail:
    """Reads events.jsonl as it grows."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS
        self._at = 0

    def read(self) -> list[TrainingPoint]:
        """What came since the last call; a line that is being written waits for the next one."""
        if not self._path.is_file():
            return []
        with self._path.open() as file:
            file.seek(self._at)
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        self._at += len(whole.encode())
        return [TrainingPoint(**json.loads(line)) for line in whole.splitlines()]
