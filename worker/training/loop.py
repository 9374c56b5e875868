"""A training from its first step, or from a checkpoint, to its last: what happens after a step, and what is kept."""

import io
import json
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from db.errors import UserError
from db.settings import settings
from worker.llm.local.model import LocalModel
from worker.specs.finetune import LOSS_ROWS
from worker.training import device
from worker.training.batch_plan import Sample, plan, price_samples, rooms, text_samples
from worker.training.frozen_layers import Kept
from worker.training.lora import Learner, check_cut
from worker.training.task_folder import (
    CHECKPOINT,
    DONE,
    OUTCOME,
    PREDICTED,
    STATE,
    STOP,
    Events,
    Task,
    stored_seconds,
    write_parts,
)
from worker.training.tensors import Batches, Lower, tensors
from worker.training.trainer import Walk, walk
from worker.training.validation import measure, prompts

LONGEST_REPLAY = 128  # tokens
BEST = "best-"
CHECKPOINT_SHARE = 0.05  # of the time goes into checkpoints, at most: large ones are gigabytes


@dataclass
class State:
    """What a training remembers across crashes, beside its weights."""

    step: int = 0
    seconds: float = 0.0  # of work, of all tries
    untrained: dict[str, Any] = field(default_factory=dict)  # metrics before the first step
    evaluated: list[int] = field(default_factory=list)
    best_step: int = -1
    best: dict[str, Any] = field(default_factory=dict)  # its metrics
    misses: int = 0  # measurements since the best one
    stopped: bool = False


def out_of_bounds(step: int) -> UserError:
    return UserError(f"The training went out of bounds at step {step:,}; choose a lower learning rate.")


class Training:
    """Holds the base model, what learns, and the plan of all steps."""

    def __init__(self, task: Task, folder: Path) -> None:
        began = time.monotonic()
        self.task, self.folder, self.spec = task, folder, task.spec
        self.base = LocalModel(str(task.base), precision="nf4" if task.spec.quantisation == "nf4" else "auto")
        self.device = self.base.device
        self.samples = self._samples(task.train) + text_samples(self.base.tokenizer, self._replay(), LONGEST_REPLAY)
        lengths = [len(sample) for sample in self.samples]
        self.order = plan(rooms(self.samples), self.spec.batch_tokens, self.spec.epochs, self.spec.seed)
        rows = len(task.train)  # general texts come after them and are not counted as seen
        self._seen = np.cumsum([sum(i < rows for i in batch) for batch in self.order])
        self.learner = Learner(self.base.network.model, self.spec, task.base.name).to(self.device).train()
        if self.learner.head is not None:
            self.learner.head.start(torch.tensor(task.train["price"].to_list()).log())
        self.lower = Lower(self.base.network.model, self.learner.first, self.samples)
        self.kept = Kept(folder, task.identity, lengths, self.lower.width, self.lower.dtype, self.lower)
        if self.learner.first:
            check_cut(self.base.network.model, self.learner, min(self.samples, key=len).ids)
        self.walk = Walk(self.learner, self.spec, len(self.order), task.resume)
        self.state = State()
        self.best: dict[str, bytes] = {}
        if task.resume:
            self.state = State(**json.loads(task.resume.parts[STATE]))
            parts = task.resume.parts.items()
            self.best = {name.removeprefix(BEST): data for name, data in parts if name.startswith(BEST)}
        self.load_seconds = time.monotonic() - began
        self._before = self.state.seconds
        self._began = self._ready = self._last = self._saved = began
        self._saving = 0.0  # seconds that the last checkpoint took to write
        self._events = Events(folder)

    @property
    def evaluate_every(self) -> int:
        """Steps between two measurements."""
        return self.spec.evaluate_every or max(1, round(len(self.order) / self.spec.epochs / 2))

    @property
    def measurements(self) -> int:
        """How often validation rows are priced, that before the first step included."""
        return 1 + sum(map(self._is_time, range(1, len(self.order) + 1)))

    def batches(self) -> Batches:
        return Batches(self.samples, self.order, self.kept if self.learner.first else None)

    def run(self) -> None:
        """Train to the end, or until somebody asks to stop or nothing gets better; then write down what was best.

        The untrained model is priced with first, so that one sees what learning brought, but it is never the best.
        """
        where = f"from step {self.walk.start:,} on" if self.walk.start else "from the beginning"
        self._note(
            f"{len(self.task.train):,} rows, {len(self.order):,} steps of about {self.spec.batch_tokens:,} tokens, "
            f"{where}, on {device.name(self.device)}."
        )
        if not self.walk.start:
            self.state.untrained, _ = self._measure(self.learner.files())
            self._events.add(0, "eval", **self.state.untrained, is_best=False)
        self._ready = self._last = time.monotonic()
        walk(self.walk, self.batches(), self.after)
        if self.state.step not in self.state.evaluated:
            self._evaluate()
        outcome = {
            "step": self.state.best_step,
            "metrics": self.state.best | {"untrained_mae": self.state.untrained.get("mae")},
            "seconds": self._seconds(),
            "stopped": self.state.stopped,
        }
        parts = self.best | {OUTCOME: json.dumps(outcome).encode()}
        write_parts(self.folder / DONE, self.state.best_step, parts)

    def after(self, step: int, figures: dict[str, float]) -> bool:
        """What happens after each step; True ends the training."""
        if not math.isfinite(figures["loss"] + figures.get("grad_norm", 0.0)):
            raise out_of_bounds(step)
        now = time.monotonic()
        tokens = sum(len(self.samples[i]) for i in self.order[step - 1])
        took, self._last = now - self._last, now
        self.state.step, self.state.seconds = step, self._seconds()
        self._events.add(step, "step", **figures, **self._figures(step, tokens / took))
        if self._is_time(step):
            self._evaluate()
        stop = (self.folder / STOP).exists() or bool(0 < self.spec.patience <= self.state.misses)
        self.state.stopped = stop and step < len(self.order)
        if self._is_checkpoint_due() and step < len(self.order):
            self._checkpoint()
        self._last = time.monotonic()
        return stop

    def _is_time(self, step: int) -> bool:
        """At every measurement's step, but not twice around the end."""
        left = len(self.order) - step
        return left == 0 or (step % self.evaluate_every == 0 and left >= self.evaluate_every / 2)

    def validation_loss(self) -> float:
        """The loss of the first validation rows, without dropout."""
        samples = self._samples(self.task.validation[:LOSS_ROWS])
        lower = Lower(self.base.network.model, self.learner.first, samples)
        total = 0.0
        self.learner.eval()
        with torch.no_grad():
            for batch in plan(rooms(samples), self.spec.batch_tokens, 1.0, 0):
                states = lower(batch) if self.learner.first else None
                given = tensors([samples[i] for i in batch], states)
                moved = {name: value.to(self.device) for name, value in given.items()}
                total += float(self.learner(**moved)["loss"]) * len(batch)
        self.learner.train()
        return total / max(1, len(samples))

    def _evaluate(self) -> None:
        """Price validation rows with the adapter as it is; keep it if it is the best so far."""
        files = self.learner.files()
        metrics, predicted = self._measure(files)
        value = metrics[self.spec.metric]
        known = self.state.best.get(self.spec.metric)
        is_best = self.state.best_step < 0 or (value is not None and (known is None or value < known))
        self.state.evaluated.append(self.state.step)
        self.state.misses = 0 if is_best else self.state.misses + 1
        if is_best:
            self.state.best_step, self.state.best = self.state.step, metrics
            table = io.BytesIO()
            predicted.write_parquet(table)
            self.best = files | {PREDICTED: table.getvalue()}
        self._events.add(self.state.step, "eval", **metrics, is_best=is_best)

    def _measure(self, files: dict[str, bytes]) -> tuple[dict[str, Any], pl.DataFrame]:
        """Metrics of an adapter on validation rows, and what it predicted for them."""
        rows = self.task.validation[: self.spec.evaluate_rows]
        measured = measure(self.base.adapted(files), rows, self.spec)
        metrics = measured.metrics | {"loss": self.validation_loss()}
        self.base.network.forget()
        if not math.isfinite(metrics["loss"]):
            raise out_of_bounds(self.state.step)
        return metrics, measured.predicted

    def _is_checkpoint_due(self) -> bool:
        """What the last one took counts here and at the worker, who stores it."""
        took = self._saving + stored_seconds(self.folder)
        return time.monotonic() - self._saved > max(settings().checkpoint_seconds, took / CHECKPOINT_SHARE)

    def _checkpoint(self) -> None:
        began = time.monotonic()
        self.kept.flush()
        self.state.seconds = self._seconds()
        parts = self.walk.parts() | {STATE: json.dumps(asdict(self.state)).encode()}
        parts |= {BEST + name: data for name, data in self.best.items()}
        write_parts(self.folder / CHECKPOINT, self.state.step, parts)
        self._saved = time.monotonic()
        self._saving = self._saved - began

    def _figures(self, step: int, tokens_per_second: float) -> dict[str, Any]:
        done, left = step - self.walk.start, len(self.order) - step
        here = time.monotonic() - self._ready  # measurements included
        return {
            "epoch": round(step / len(self.order) * self.spec.epochs, 3),
            "tokens_per_second": round(tokens_per_second, 1),
            "eta_seconds": round(here / done * left, 1),
            "seconds": round(self._seconds(), 2),
            "memory_gb": round(device.memory_gb(self.device), 2),
            "device": device.name(self.device),
            "items": int(self._seen[step - 1]),
            "steps": len(self.order),
        }

    def _note(self, text: str) -> None:
        self._events.add(self.state.step, "note", text=text)

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def _samples(self, examples: pl.DataFrame) -> list[Sample]:
        return price_samples(
            self.base.tokenizer,
            prompts(examples),
            examples["price"].to_list(),
            answers=self.spec.says.in_words,
            bounds=self.spec.bounds,
        )

    def _replay(self) -> list[str]:
        """So many general texts, in turn, that they are the wished share of all samples."""
        wanted = round(self.spec.replay / (1 - self.spec.replay) * len(self.task.train)) if self.task.replay else 0
        return [self.task.replay[i % len(self.task.replay)] for i in range(wanted)]
