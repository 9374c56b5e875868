"""The speed and success of a training: ours beside TRL's SFTTrainer, on the same rows for as many epochs.

python -m benchmarks.training [FILE] [--rows 2000] [--epochs 1] [--model smollm2-135m] [--held 200]
    [--only trl|all-layers|tokens|quantiles] [--set NAME=VALUE]
--only (repeatable) leaves the others out, and --set (repeatable) changes a setting of ours: so one finds better ones.
FILE is a CSV with the columns title and price and, if it has them, description, category and brand; without it, the
demo catalogue. TRL has its defaults with two exceptions: our learning rate, since its own, 2e-5, is meant for whole
models and not for LoRA, and our number format, since its bf16 is several times slower than fp32 on a processor without
instructions for it. All adapters are read by the same engine on the same held-out rows.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

from benchmarks.llm import matmul_limit, work_per_token
from benchmarks.shop import Curve, examples_of, priced_items
from worker.evaluation.resampling import Floats, alone, interval, means, weights
from worker.llm.local.model import LocalModel
from worker.llm.local.packages import model_folder
from worker.specs import finetune
from worker.specs.finetune import TrainSpec
from worker.training import device, process
from worker.training.batch_plan import Sample, price_samples
from worker.training.task_folder import Task
from worker.training.validation import prices, prompts


@dataclass(frozen=True)
class Took:
    """What a training took and brought; seconds of an epoch without loading."""

    name: str
    seconds: float
    memory_gb: float
    files: dict[str, bytes]
    form: str = "tokens"
    learning: float = 1.0  # share of the layers that learn
    epochs_below: float = 1.0  # how often the layers below them were computed


class Bench:
    """The rows and the model that all ways share."""

    def __init__(
        self, file: Path | None, model: str, rows: int, held: int, epochs: float, changes: dict[str, str]
    ) -> None:
        items = priced_items(file)
        values = {"model": model, "epochs": epochs, "prompt": "listing@1"}
        self.spec = finetune.parse({"evaluate_rows": 4, "evaluate_every": 1_000_000} | values | changes)
        self.folder = model_folder(model)
        self.base = LocalModel(model)
        self.held = examples_of(items.tail(held), self.spec, self.folder)
        self.rows = examples_of(items.head(min(rows, len(items) - held)), self.spec, self.folder)
        self.samples = self._samples()
        self.tokens = sum(map(len, self.samples)) * epochs

    def ours(self, name: str, **changes: object) -> Took:
        spec = TrainSpec.model_validate(self.spec.model_dump() | changes)
        curve = Curve()
        with tempfile.TemporaryDirectory() as folder:
            files = process.run(Task(spec, self.folder, self.rows, self.held[:4]), Path(folder), curve).files
        first, last = curve.steps[0].values, curve.steps[-1].values
        # From the first step's end: reckoned back to its beginning, so that loading is left out for all alike.
        seconds = (last["seconds"] - first["seconds"]) * len(curve.steps) / max(1, len(curve.steps) - 1)
        memory = max(point.values["memory_gb"] for point in curve.steps)
        layers = self.base.network.model.config.num_hidden_layers
        learning = spec.layers / layers if spec.layers else 1.0
        return Took(name, seconds, memory, files, spec.form, learning, min(1.0, spec.epochs))

    def trl(self) -> Took:
        spec = self.spec
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            values = {
                "model": str(self.folder),
                "dtype": str(self.base.network.model.dtype).removeprefix("torch."),
                "epochs": spec.epochs,
                "learning_rate": spec.learning_rate,
                "rank": spec.rank,
                "alpha": spec.alpha,
            }
            (folder / "peer.json").write_text(json.dumps(values))
            decode = self.base.tokenizer.inner.decode
            pl.DataFrame(
                [{"prompt": decode(s.ids[: -s.answer]), "completion": decode(s.ids[-s.answer :])} for s in self.samples]
            ).write_parquet(folder / "examples.parquet")
            ran = subprocess.run(
                [sys.executable, "-m", "benchmarks.training_peer", place], check=False, capture_output=True
            )
            if ran.returncode:
                raise SystemExit(f"TRL ended with code {ran.returncode}:\n{ran.stderr.decode()[-2000:]}")
            took = json.loads((folder / "peer-took.json").read_text())
            files = {file.name: file.read_bytes() for file in (folder / "adapter").iterdir()}
        return Took("TRL SFTTrainer, defaults", took["seconds"], took["memory_gb"], files, epochs_below=spec.epochs)

    def errors(self, took: Took) -> Floats:
        """(n,) dollars by which the held-out rows are off; NaN where no price could be read."""
        spec = self.spec.model_copy(update={"form": took.form})
        return self._off(self.base.adapted(took.files), spec)

    def cold(self) -> Floats:
        """The same errors of the model before any training."""
        return self._off(self.base, self.spec)

    def _off(self, model: LocalModel, spec: TrainSpec) -> Floats:
        off: Floats = np.abs(prices(model, prompts(self.held), spec) - self.held["price"].to_numpy())
        return off

    def _samples(self) -> list[Sample]:
        questions, known = prompts(self.rows), self.rows["price"].to_list()
        return price_samples(self.base.tokenizer, questions, known, answers=True, bounds=self.spec.bounds)


WAYS: dict[str, Callable[[Bench], Took]] = {
    "trl": Bench.trl,
    "all-layers": lambda bench: bench.ours("ours, tokens, all layers", layers=0),
    "tokens": lambda bench: bench.ours("ours, tokens, preset quick"),
    "quantiles": lambda bench: bench.ours("ours, quantiles, preset quick", form="quantiles"),
}

FIXED = {"model", "epochs", "rows", "prompt", "form", "layers"}
"""What --set can't change: other options, or the ways themselves, say it."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.training")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--held", type=int, default=200)
    parser.add_argument("--only", action="append", choices=list(WAYS))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes")
    chosen = parser.parse_args()
    changes = dict(change.partition("=")[::2] for change in chosen.changes)
    if fixed := FIXED & set(changes):
        parser.error(f"--set can't change {', '.join(sorted(fixed))}: other options, or the ways themselves, say it")
    bench = Bench(chosen.file, chosen.model, chosen.rows, chosen.held, chosen.epochs, changes)
    limit, work = matmul_limit(bench.base), work_per_token(bench.base)
    where = device.name(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    source = chosen.file.name if chosen.file else "the demo catalogue"
    print(
        f"training {chosen.model}, {len(bench.rows):,} rows of {source} x {chosen.epochs:g} epochs, "
        f"{bench.tokens:,.0f} tokens, {where}; the model untrained: MAE {np.nanmean(bench.cold()):.1f} on "
        f"{len(bench.held)} held-out rows{''.join(f'; {change}' for change in chosen.changes)}"
    )
    print(
        f"  {'':<34}{'tokens/s':>10}{'s an epoch':>12}{'x TRL':>8}{'MAE':>8}{'GB':>7}{'of limit':>10}"
        f"   ({limit / 1e9:,.0f} GFLOP/s)  MAE against TRL, in pairs"
    )
    peer: tuple[Took, Floats] | None = None
    for name, way in WAYS.items():  # in this order, whatever the order of --only: the peer comes first
        if chosen.only and name not in chosen.only:
            continue
        took = way(bench)
        errors = bench.errors(took)
        _line(bench, took, errors, peer, work, limit)
        peer = (took, errors) if name == "trl" else peer


def _line(
    bench: Bench, took: Took, errors: Floats, peer: tuple[Took, Floats] | None, work: float, limit: float
) -> None:
    epochs = bench.spec.epochs
    # Forward through all layers, and back through those that learn; LoRA needs no gradients of the frozen weights.
    below = (1 - took.learning) * took.epochs_below / epochs
    share = bench.tokens * work * (below + 2 * took.learning) / took.seconds / limit
    faster, worse = "–", ""
    if peer:
        faster = f"{peer[0].seconds / took.seconds:.2f}"
        middle, low, high = paired(errors - peer[1])
        worse = f"{middle:+.1f} ({low:+.1f}..{high:+.1f})"
    cells = (
        f"{bench.tokens / took.seconds:>10,.0f}{took.seconds / epochs:>12.0f}{faster:>8}"
        f"{np.nanmean(errors):>8.1f}{took.memory_gb:>7.2f}{share:>10.0%}"
    )
    print(f"  {took.name:<34}{cells}{worse:>26}", flush=True)


def paired(differences: Floats) -> tuple[float, float | None, float | None]:
    """Mean difference and its 95 % bootstrap interval."""
    figure = means(differences[:, None])
    samples = np.concatenate([figure(block)[:, 0] for block in weights(alone(len(differences)), 2_000, seed=0)])
    middle = float(np.nanmean(differences))
    return middle, *interval(samples, middle)


if __name__ == "__main__":
    main()
