"""A small training: a catalogue whose prices depend on words, and a model of three narrow layers."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from db.types import Checkpoint
from tests.builders import a_catalogue
from worker.finetune.examples import examples
from worker.prompts.builtin import BUILT_IN
from worker.prompts.filling import Contents
from worker.specs.finetune import TrainSpec
from worker.training import __main__, process
from worker.training.task_folder import Task
from worker.training.texts import FolderTexts

QUICK: dict[str, Any] = {
    "layers": 2,
    "rank": 4,
    "epochs": 2.0,
    "batch_tokens": 512,
    "evaluate_rows": 8,
    "max_price": 99,
    "learning_rate": 5e-3,
}


def a_task(base: Path, rows: int = 48, *, resume: Checkpoint | None = None, pilot: bool = False, **spec: Any) -> Task:
    """A training of the model in `base` on so many rows."""
    settings = TrainSpec.model_validate({**QUICK, "model": str(base), "prompt": "listing@1", **spec})
    made = some_examples(base, rows + 16, settings)
    return Task(settings, base, made[:rows], made[rows:], ("It rained all day, and nobody came.",), resume, pilot)


def some_examples(base: Path, rows: int, spec: TrainSpec) -> pl.DataFrame:
    return examples(a_catalogue(rows), [Contents()] * rows, spec, BUILT_IN["listing"], FolderTexts(base))


def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings without a process of their own, whose start takes longer than a small training."""

    def run(task: Task, folder: Path, watch: process.Watch) -> dict[str, bytes]:
        task.write(folder)
        return process._ended(folder, __main__.main(folder))

    monkeypatch.setattr(process, "_run", run)
