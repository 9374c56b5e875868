"""What the gate says of ordinary and of forgetful trainings: many short trainings, one line each.

python -m benchmarks.gate [FILE] [--model smollm2-135m] [--seeds 10] [--forgetful 3] [--rows 400] [--form tokens]
FILE is a CSV with the columns title, category and price and, if it has them, description and brand; without it, the
demo catalogue. Trained on all its categories but the last ones, which the gate asks about. An ordinary training has the
settings of the preset "quick"; a forgetful one takes twenty times its rate, all layers and one category.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.shop import Curve, examples_of, priced_items
from db.settings import settings
from worker import gate_texts
from worker.evaluation.gate import Finding, Report, judge
from worker.evaluation.resampling import Floats
from worker.llm.base import Readout
from worker.llm.local.model import LocalModel
from worker.llm.local.packages import model_folder
from worker.progress import Silent
from worker.specs import finetune
from worker.specs.finetune import TrainSpec
from worker.training import gate_measures, process
from worker.training.task_folder import Task
from worker.training.validation import prompts

LEFT_OUT = 0.25  # share of the categories that no training sees
OTHER_ROWS = 100
FORGETFUL = {"learning_rate": 2e-2, "layers": 0, "rank": 64, "alpha": 128, "schedule": "constant"}


class Bench:
    """What all trainings share: the base model, the rows, and the prompts of other categories."""

    def __init__(self, model: str, items: pl.DataFrame, rows: int, form: str, replay: float) -> None:
        self.base = LocalModel(model)
        self.folder = model_folder(model)
        self.values = {"model": model, "rows": rows, "form": form, "evaluate_rows": 8, "evaluate_every": 100_000}
        self.replay = replay
        items = items.filter(pl.col("category") != "")
        names = items["category"].unique().sort().to_list()
        others = names[-max(1, round(LEFT_OUT * len(names))) :]
        self.largest = items.filter(~pl.col("category").is_in(others))["category"].mode().sort()[0]
        self.known = items.filter(~pl.col("category").is_in(others))
        unseen = items.filter(pl.col("category").is_in(others))
        self.unseen = unseen.sample(min(OTHER_ROWS, len(unseen)), seed=0)
        self.cold: Floats | None = None

    def report(self, seed: int, *, forgetful: bool) -> Report:
        """Trains once, and judges."""
        changes = FORGETFUL if forgetful else {"replay": self.replay}
        spec = finetune.parse(self.values | changes | {"seed": seed})
        rows = self.known.filter(pl.col("category") == self.largest) if forgetful else self.known
        rows = rows.sample(min(spec.rows, len(rows)), seed=seed, shuffle=True)
        held = self.known.join(rows, on="row", how="anti").head(spec.evaluate_rows)
        task = Task(
            spec,
            self.folder,
            examples_of(rows, spec, self.folder),
            examples_of(held, spec, self.folder),
            tuple(gate_texts.replay()),
        )
        with tempfile.TemporaryDirectory() as folder:
            files = process.run(task, Path(folder), Curve()).files
        adapted = self.base.adapted(files)
        if self.cold is None:
            self.cold = self._priced(self.base, spec)
        parts = [
            *(part.local(self.base, adapted, Silent()) for part in gate_measures.LANGUAGE_PARTS),
            gate_measures.prices(
                "other categories",
                "log-error",
                self.cold,
                self._priced(adapted, spec),
                self.unseen["price"].to_numpy(),
            ),
        ]
        return judge(parts, settings().gate_worsening, settings().gate_confidence)

    def _priced(self, model: LocalModel, spec: TrainSpec) -> Floats:
        readout = Readout(bounds=spec.bounds)
        read = model.price(prompts(examples_of(self.unseen, spec, self.folder)), readout, Silent())
        return np.array([reading.statistics.get("median", np.nan) for reading in read])


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.gate")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--forgetful", type=int, default=3)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--form", default="tokens")
    parser.add_argument("--replay", type=float, default=0.0, help="share of general text in the ordinary trainings")
    chosen = parser.parse_args()
    bench = Bench(chosen.model, priced_items(chosen.file), chosen.rows, chosen.form, chosen.replay)
    limit, sure = settings().gate_worsening, settings().gate_confidence
    print(
        f"gate, {chosen.model}, form {chosen.form}, {chosen.rows} rows, replay {chosen.replay:.0%}: a part "
        f"falls when it is more than {limit:.0%} worse, {sure:.0%} sure over all parts"
    )
    names = [*(part.name for part in gate_measures.LANGUAGE_PARTS), "other categories"]
    print(f"  {'training':<16}{''.join(f'{name:>26}' for name in names)}  {'s':>4}  gate")
    blocked = [_line(bench, f"ordinary {seed}", seed, forgetful=False) for seed in range(chosen.seeds)]
    stopped = [_line(bench, f"forgetful {seed}", seed, forgetful=True) for seed in range(chosen.forgetful)]
    print(f"  ordinary trainings blocked: {sum(blocked)} of {len(blocked)}", end="")
    print(f"; forgetful ones blocked: {sum(stopped)} of {len(stopped)}")


def _line(bench: Bench, name: str, seed: int, *, forgetful: bool) -> bool:
    """Prints a training's line; gives whether the gate stops it."""
    began = time.perf_counter()
    report = bench.report(seed, forgetful=forgetful)
    cells = "".join(f"{_cell(finding):>26}" for finding in report.findings)
    verdict = "blocked" if report.fell else "passed"
    print(f"  {name:<16}{cells}  {time.perf_counter() - began:4.0f}  {verdict}", flush=True)
    return bool(report.fell)


def _cell(finding: Finding) -> str:
    if finding.change is None or finding.low is None or finding.high is None:
        return finding.verdict
    mark = "*" if finding.verdict == "fell" else " "
    return f"{finding.change:+.1%} ({finding.low:+.1%}..{finding.high:+.1%}){mark}"


if __name__ == "__main__":
    main()
