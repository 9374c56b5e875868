"""Asks a language model that reads the most similar known products with their prices first."""

import polars as pl

from worker.progress import Progress
from worker.specs import RagSpec
from worker.techniques.shared.prompt_filling import Given
from worker.techniques.shared.prompting import Asking
from worker.techniques.shared.retrieval import add_neighbours


class Rag(Asking[RagSpec]):
    """Beside each price the evidence holds what the same neighbours say without the model: their weighted median."""

    def study(self, train: pl.DataFrame, progress: Progress) -> dict[str, bytes]:
        self.resources.index().build(train, progress)
        return {}

    def given(self, items: pl.DataFrame, progress: Progress) -> list[Given]:
        given = [Given(stats=self.stats_of(category)) for category in items["category"]]
        if self.spec.k:
            add_neighbours(given, items, self.spec, self.resources.index(), self.model, progress)
        return given
