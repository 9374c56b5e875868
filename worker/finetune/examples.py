"""What is a model to learn from? Rows of a dataset as examples, with the neighbours that the technique will show it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from db import datasets
from db.engine import begin
from db.errors import NotReady
from db.types import Dataset, Split
from worker.llm.local.packages import model_folder
from worker.progress import Progress
from worker.resources import LiveResources
from worker.specs.finetune import FEWEST_ROWS, LOSS_ROWS, TrainSpec, asking
from worker.techniques.shared.prompt_filling import Given
from worker.techniques.shared.prompting import Aside
from worker.techniques.shared.retrieval import add_neighbours
from worker.training.prompts import Texts, examples


@dataclass(frozen=True, slots=True)
class Lesson:
    """Frames of examples (worker.training.prompts.EXAMPLE_SCHEMA)."""

    train: pl.DataFrame
    validation: pl.DataFrame
    fingerprint: str  # of the dataset, its split and the rows of `train`


def priced_items(dataset: Dataset, spec: TrainSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The items to learn from and to measure on: ITEM_SCHEMA with prices, as the spec limits them. Raises NotReady."""
    with begin() as session:
        train, validation = (datasets.items(session, dataset.id, side) for side in (Split.TRAIN, Split.VALIDATION))
    wanted = pl.col("price") > 0
    if spec.categories:
        wanted &= pl.col("category").is_in(spec.categories)
    train, validation = sample(train.filter(wanted), spec.rows, spec.seed), validation.filter(wanted)
    if len(train) < FEWEST_ROWS or len(validation) < FEWEST_ROWS:
        raise NotReady(
            f"Fine-tuning needs at least {FEWEST_ROWS} priced rows to learn from and as many to measure on, and here "
            f"are {len(train)} and {len(validation)}; choose more rows, more categories or another dataset."
        )
    # The first of them are measured: a sample, the same in every run.
    return train, sample(validation, 0, spec.seed)


def sample(items: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
    """So many rows by chance, 0 = all; a larger sample of the same items contains every smaller one."""
    order = np.random.default_rng(seed).permutation(len(items))
    return items[order[:rows] if rows else order]


def lesson(dataset: Dataset, spec: TrainSpec, progress: Progress) -> Lesson:
    """Examples of both sides. Neighbours are never the item itself nor its near-copies."""
    train, validation = priced_items(dataset, spec)
    if not spec.is_hosted:  # no more of them is looked at here, and neighbours of each would be searched
        validation = validation.head(max(spec.evaluate_rows, LOSS_ROWS))
    return Lesson(
        train=exemplify(dataset, spec, train, progress, learns=True),
        validation=exemplify(dataset, spec, validation, progress, learns=False),
        fingerprint=datasets.fit_hash(dataset, f"{spec.rows} {spec.seed} {sorted(spec.categories)} "),
    )


def exemplify(
    dataset: Dataset, spec: TrainSpec, items: pl.DataFrame, progress: Progress, *, learns: bool
) -> pl.DataFrame:
    """The items' examples, in order; `learns`: they are of the train side, which the index holds."""
    resources = LiveResources(dataset.id)
    texts: Any = resources.language_model(spec.model) if spec.is_hosted else Texts(base_folder(spec))
    given = [Given() for _ in range(len(items))]
    if spec.k:
        aside = Aside(progress)
        if learns:
            resources.index().build(items, aside)
        asked = items.with_columns(price=pl.lit(None, pl.Float64))
        add_neighbours(given, asked, asking(spec), resources.index(), texts, aside, apart=learns)
    progress.advance(0)
    return examples(items, given, spec, resources.prompt(spec.prompt), texts)


def base_folder(spec: TrainSpec) -> Path:
    """Where the base model lies on this machine. Raises NotReady."""
    return model_folder(spec.model)
