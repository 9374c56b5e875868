"""The walk of the optimiser: the Trainer of transformers over batches laid out before, from any step on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    optimization,
)

from db.types import Checkpoint
from worker.specs.finetune import TrainSpec
from worker.training.lora import Learner, loaded, saved

Tensor = torch.Tensor

LEARNED, MOMENTS, RANDOM = "learned.safetensors", "moments.safetensors", "random.safetensors"
LARGEST_GRADIENT = 1.0  # its norm is cut to this


class Walk:
    """An optimiser with its schedule, at some step of `total`."""

    def __init__(self, learner: Learner, spec: TrainSpec, total: int, resume: Checkpoint | None) -> None:
        self.learner, self.total = learner, total
        self._seed = spec.seed
        self._random: dict[str, Tensor] = {}
        self.start = resume.step if resume else 0
        self.optimizer = torch.optim.AdamW(
            learner.learning().values(), lr=spec.learning_rate, weight_decay=spec.weight_decay
        )
        if resume:
            self._take(resume.parts)
        for group in self.optimizer.param_groups:
            group["initial_lr"] = spec.learning_rate
        warmup = round(spec.warmup * total)
        make: dict[str, Callable[..., Any]] = {
            "linear": optimization.get_linear_schedule_with_warmup,
            "cosine": optimization.get_cosine_schedule_with_warmup,
            "constant": optimization.get_constant_schedule_with_warmup,
        }
        length = {} if spec.schedule == "constant" else {"num_training_steps": total}
        self.scheduler = make[spec.schedule](
            self.optimizer, num_warmup_steps=warmup, **length, last_epoch=self.start - 1
        )

    def parts(self) -> dict[str, bytes]:
        """What the next steps depend on. No pickle: tensors as safetensors, the rest as JSON."""
        names = list(self.learner.learning())
        state = self.optimizer.state_dict()["state"]
        moments = {f"{key}/{names[i]}": value for i, own in state.items() for key, value in own.items()}
        random = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random["cuda"] = torch.cuda.get_rng_state()
        return {LEARNED: saved(self.learner.learning()), MOMENTS: saved(moments), RANDOM: saved(random)}

    def _take(self, parts: Mapping[str, bytes]) -> None:
        learned = loaded(parts[LEARNED])
        self.learner.take(learned)
        names = list(self.learner.learning())
        state: dict[int, dict[str, Tensor]] = {}
        for path, value in loaded(parts[MOMENTS]).items():
            key, name = path.split("/", 1)
            state.setdefault(names.index(name), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self._random = loaded(parts[RANDOM])

    def restore_random(self) -> None:
        """Chance goes on where it was, or begins at the seed."""
        if not self._random:
            torch.manual_seed(self._seed)
            return
        torch.set_rng_state(self._random["cpu"])
        if "cuda" in self._random and torch.cuda.is_available():
            torch.cuda.set_rng_state(self._random["cuda"])


class Watcher(TrainerCallback):  # type: ignore[misc]
    """Tells somebody after each step; ends the walk when he says so."""

    def __init__(self, walk: Walk, after: Callable[[int, dict[str, float]], bool]) -> None:
        self._walk, self._after = walk, after

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        del args
        if state.global_step == 0:  # not earlier: the Trainer seeds anew, and its loader draws a number
            self._walk.restore_random()
        return control

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> TrainerControl:
        """Comes at the end of every step, and once more with a summary of no interest."""
        del args
        if logs and "loss" in logs:
            figures = {name: float(logs[name]) for name in ("loss", "grad_norm", "learning_rate") if name in logs}
            control.should_training_stop |= self._after(self._walk.start + state.global_step, figures)
        return control


class _Walker(Trainer):  # type: ignore[misc]
    """The Trainer, fed with whole batches in their order."""

    def get_train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(self.train_dataset, batch_size=None, shuffle=False)


def walk(
    walk: Walk, batches: Dataset[dict[str, Tensor]], folder: Path, after: Callable[[int, dict[str, float]], bool]
) -> None:
    """Take every step that is left. `after(step, figures)` comes after each; True ends the walk.

    figures: loss, grad_norm, learning_rate.
    """
    rest = torch.utils.data.Subset(batches, range(walk.start, walk.total))
    if not len(rest):
        return
    device = next(walk.learner.inner.parameters()).device
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=len(rest),
        per_device_train_batch_size=1,
        max_grad_norm=LARGEST_GRADIENT,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=False,
    )
    trainer = _Walker(
        model=walk.learner,
        args=arguments,
        train_dataset=rest,
        optimizers=(walk.optimizer, walk.scheduler),
        callbacks=[Watcher(walk, after)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
