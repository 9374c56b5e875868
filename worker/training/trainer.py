"""The walk of the optimiser over batches laid out before, from any step on.

A loop of our own: the Trainer of transformers loads pandas and datasets, which every training would wait for.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch.utils.data import Dataset

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
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: share_of_rate(spec, step, total), last_epoch=self.start - 1
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


def share_of_rate(spec: TrainSpec, step: int, total: int) -> float:
    """The share of the learning rate that applies after so many steps: it rises in a straight line while training warms
    up, and then stays, or falls to 0 at the end in a straight line or along half a cosine."""
    warmup = round(spec.warmup * total)
    if step < warmup:
        return step / warmup
    gone = (step - warmup) / max(1, total - warmup)
    match spec.schedule:
        case "linear":
            return 1 - gone
        case "cosine":
            return (1 + math.cos(math.pi * gone)) / 2
    return 1.0


def walk(walk: Walk, batches: Dataset[dict[str, Tensor]], after: Callable[[int, dict[str, float]], bool]) -> None:
    """Take every step that is left. `after(step, figures)` comes after each; True ends the walk.

    figures: loss, grad_norm, learning_rate.
    """
    learner, device = walk.learner, next(walk.learner.inner.parameters()).device
    learning = list(learner.learning().values())  # asking for all parameters walks through the frozen model each time
    walk.restore_random()
    for step in range(walk.start, walk.total):
        batch = {name: value.to(device) for name, value in batches[step].items()}
        loss = learner(**batch)["loss"]
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(learning, LARGEST_GRADIENT)
        rate = float(walk.scheduler.get_last_lr()[0])
        walk.optimizer.step()
        walk.scheduler.step()
        walk.optimizer.zero_grad()
        if after(step + 1, {"loss": loss.item(), "grad_norm": norm.item(), "learning_rate": rate}):
            return
