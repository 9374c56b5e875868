"""Asks a language model whose weights were trained on products with prices."""

from functools import cached_property

import polars as pl

from worker.llm.base import LanguageModel
from worker.progress import Progress
from worker.specs import FinetunedSpec
from worker.techniques.shared.prompt_filling import Given
from worker.techniques.shared.prompting import Asking
from worker.techniques.shared.retrieval import add_neighbours


class Finetuned(Asking[FinetunedSpec]):
    """Asks as the adapter was trained: the spec carries its prompt, lengths and number of neighbours."""

    @cached_property
    def model(self) -> LanguageModel:
        spec = self.spec
        if spec.uses_endpoint:  # tuned behind an endpoint, where it has a name of its own
            return self.resources.language_model(spec.model, spec.sample, spec.batch)
        return self.resources.adapted_model(spec.adapter, spec.model, spec.precision)

    def study(self, train: pl.DataFrame, progress: Progress) -> dict[str, bytes]:
        if self.spec.k:
            self.resources.index().build(train, progress)
        return {}

    def given(self, items: pl.DataFrame, progress: Progress) -> list[Given]:
        """Neighbours and nothing else: the examples that the adapter learned from held no figures of categories."""
        given = [Given() for _ in range(len(items))]
        if self.spec.k:
            add_neighbours(given, items, self.spec, self.resources.index(), self.model, progress)
        return given
