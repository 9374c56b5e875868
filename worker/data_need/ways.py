"""Lets one way of pricing learn from a part of a dataset, and price the rows that all are measured on."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from db.types import PromptVersion
from worker import gate_texts, specs
from worker.data_need.parts import Part
from worker.data_need.resources import RowsResources
from worker.evaluation.resampling import Floats
from worker.finetune.example_prompts import exemplify
from worker.finetune.watch import Unwatched
from worker.knowledge.index import PgIndex
from worker.llm.local.packages import model_folder
from worker.progress import Progress
from worker.resources import local_model, release
from worker.specs.finetune import TrainSpec
from worker.techniques import build
from worker.training import process
from worker.training.task_folder import Task
from worker.training.texts import FolderTexts


@dataclass(frozen=True, slots=True)
class Learned:
    """What a way says after it learned."""

    prices: Floats  # $ of each measured row, NaN where none came
    seconds: float  # that learning took


def fine_tuned(
    part: Part,
    dataset_id: int,
    spec: TrainSpec,
    epochs: float,
    template: PromptVersion,
    scratch: Path,
    progress: Progress,
) -> Learned:
    """A model that passes over the part's rows so many times. Raises Defer while its GPU is taken, Cancelled."""
    from worker.training.validation import measure

    base, index = model_folder(spec.model), PgIndex(dataset_id)
    texts, training = FolderTexts(base), spec.model_copy(update={"epochs": epochs})
    train = exemplify(part.train, spec, template, texts, index, progress, learns=True)
    choosing, measured = (
        exemplify(items, spec, template, texts, index, progress, learns=False)
        for items in (part.choosing, part.measured)
    )
    release()
    task = Task(training, base, train, choosing, tuple(gate_texts.replay()))
    outcome = process.run(task, scratch / "training", Unwatched(progress))
    model = local_model(spec.model, "auto")
    predicted = measure(model.adapted(outcome.files), measured, spec).predicted
    model.network.forget()
    return Learned(_dollars(predicted), outcome.seconds)


def fitted(part: Part, dataset_id: int, spec: TrainSpec, progress: Progress) -> Learned:
    """A technique that fits, or reads neighbours, as it is after that. Raises Cancelled."""
    technique = build(technique_spec(part.way, spec), RowsResources(dataset_id))
    started = time.perf_counter()
    technique.load(technique.fit(part.train, part.choosing, progress))
    seconds = time.perf_counter() - started
    return Learned(
        _dollars(technique.price(part.measured.with_columns(price=pl.lit(None, pl.Float64)), progress)), seconds
    )


def technique_spec(way: str, trained: TrainSpec) -> specs.BaseSpec:
    """The spec of a way as the Run page would start it; RAG asks the very model that is fine-tuned."""
    values: dict[str, Any] = {"technique": way}
    if way == "rag":
        values |= {
            name: getattr(trained, name) for name in ("model", "min_price", "max_price", "currency", "max_text_tokens")
        }
    return specs.parse(values)


def _dollars(predicted: pl.DataFrame) -> Floats:
    return predicted["price"].fill_null(float("nan")).to_numpy()
