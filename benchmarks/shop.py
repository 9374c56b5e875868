"""The rows that the benchmarks of trainings learn from: a priced file of the user's, or the demo catalogue."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from db.types import Checkpoint, TrainingPoint
from worker.demo import catalogue
from worker.finetune.examples import examples
from worker.prompts.builtin import BUILT_IN
from worker.prompts.filling import Contents
from worker.specs.finetune import TrainSpec
from worker.training.texts import FolderTexts


def priced_items(file: Path | None) -> pl.DataFrame:
    """A frame in ITEM_SCHEMA: only rows with a price that the local engine can say, in an order of chance that never
    changes."""
    table = catalogue() if file is None else pl.read_csv(file, infer_schema=False)
    texts = [
        (pl.col(name) if name in table.columns else pl.lit("")).fill_null("").alias(name)
        for name in ("title", "description", "category", "brand")
    ]
    price = pl.col("price").cast(pl.Float64, strict=False)
    items = table.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"), *texts, price)
    return items.filter(pl.col("price").is_between(1, 999)).sample(fraction=1.0, shuffle=True, seed=0)


def examples_of(items: pl.DataFrame, spec: TrainSpec, folder: Path) -> pl.DataFrame:
    """The examples of rows, in EXAMPLE_SCHEMA, for the model in `folder`."""
    return examples(items, [Contents()] * len(items), spec, BUILT_IN["listing"], FolderTexts(folder))


class Curve:
    """The points of a training, which it lets run to its end."""

    def __init__(self) -> None:
        self.steps: list[TrainingPoint] = []

    def points(self, points: Sequence[TrainingPoint]) -> None:
        self.steps += [point for point in points if point.kind == "step"]

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        del checkpoint

    def wants_stop(self) -> bool:
        return False
