"""How fast does a model learn prices, and how well? Ours beside TRL's SFTTrainer, on the same rows for as many epochs.

python -m benchmarks.training [FILE] [--rows 2000] [--epochs 1] [--model smollm2-135m] [--held 200]
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
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch

from benchmarks.llm import matmul_limit, work_per_token
from benchmarks.shop import Curve, lessons, priced_items
from worker import train_specs
from worker.llm.local import LocalModel
from worker.llm.packaged import model_folder
from worker.train_specs import TrainSpec
from worker.training import device, launch
from worker.training.batching import Sample, price_samples
from worker.training.measuring import measure, prompts
from worker.training.task import Task


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

    def __init__(self, file: Path | None, model: str, rows: int, held: int, epochs: float) -> None:
        items = priced_items(file)
        self.spec = train_specs.parse(
            {"model": model, "epochs": epochs, "evaluate_rows": 4, "evaluate_every": 1_000_000, "prompt": "listing@1"}
        )
        self.folder = model_folder(model)
        self.base = LocalModel(model)
        self.held = lessons(items.tail(held), self.spec, self.folder)
        self.rows = lessons(items.head(min(rows, len(items) - held)), self.spec, self.folder)
        self.samples = self._samples()
        self.tokens = sum(map(len, self.samples)) * epochs

    def ours(self, name: str, **changes: object) -> Took:
        spec = TrainSpec.model_validate(self.spec.model_dump() | changes)
        curve = Curve()
        with tempfile.TemporaryDirectory() as folder:
            files = launch.run(Task(spec, self.folder, self.rows, self.held[:4]), Path(folder), curve).files
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

    def error(self, took: Took) -> float:
        spec = self.spec.model_copy(update={"form": took.form})
        return float(measure(self.base.adapted(took.files), self.held, spec).metrics["mae"])

    def cold(self) -> float:
        return float(measure(self.base, self.held, self.spec).metrics["mae"])

    def _samples(self) -> list[Sample]:
        low, high = self.spec.min_price, self.spec.max_price
        asked, prices = prompts(self.rows), self.rows["price"].to_list()
        return price_samples(self.base.tokenizer, asked, prices, answers=True, lowest=low, highest=high)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.training")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--held", type=int, default=200)
    chosen = parser.parse_args()
    bench = Bench(chosen.file, chosen.model, chosen.rows, chosen.held, chosen.epochs)
    limit, work = matmul_limit(bench.base), work_per_token(bench.base)
    where = device.name(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    source = chosen.file.name if chosen.file else "the demo catalogue"
    print(
        f"training {chosen.model}, {len(bench.rows):,} rows of {source} x "
        f"{chosen.epochs:g} epochs, {bench.tokens:,.0f} tokens, {where}; the model untrained: MAE {bench.cold():.1f} "
        f"on {len(bench.held)} held-out rows"
    )
    print(
        f"  {'':<34}{'tokens/s':>10}{'s an epoch':>12}{'x TRL':>8}{'MAE':>8}{'GB':>7}{'of limit':>10}"
        f"   ({limit / 1e9:,.0f} GFLOP/s)"
    )
    peer = bench.trl()
    _line(bench, peer, peer, work, limit)
    _line(bench, bench.ours("ours, tokens, all layers", layers=0), peer, work, limit)
    _line(bench, bench.ours("ours, tokens, preset quick"), peer, work, limit)
    _line(bench, bench.ours("ours, quantiles, preset quick", form="quantiles"), peer, work, limit)


def _line(bench: Bench, took: Took, peer: Took, work: float, limit: float) -> None:
    epochs = bench.spec.epochs
    # Forward through all layers, and back through those that learn; LoRA needs no gradients of the frozen weights.
    below = (1 - took.learning) * took.epochs_below / epochs
    share = bench.tokens * work * (below + 2 * took.learning) / took.seconds / limit
    cells = (
        f"{bench.tokens / took.seconds:>10,.0f}{took.seconds / epochs:>12.0f}{peer.seconds / took.seconds:>8.2f}"
        f"{bench.error(took):>8.1f}{took.memory_gb:>7.2f}{share:>10.0%}"
    )
    print(f"  {took.name:<34}{cells}", flush=True)


if __name__ == "__main__":
    main()
