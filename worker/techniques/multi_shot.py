"""Asks a language model after a few priced examples from the train side."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from worker.llm.base import LanguageModel
from worker.progress import Progress
from worker.prompts.filling import known_products
from worker.prompts.rendering import Known
from worker.specs import MultiShotSpec
from worker.techniques.base import Resources
from worker.techniques.shared.prompt_filling import Given
from worker.techniques.shared.prompting import Asking

EXAMPLES = "examples.json"
_SLICE = 64  # items searched for at once
_LETTERS = 4_000  # of a stored description; far more than any prompt shows
_COLUMNS = ("title", "description", "category", "brand", "price")


class MultiShot(Asking[MultiShotSpec]):
    """`k` examples: the same for all items, the same within a category, or each item's most similar ones."""

    def __init__(self, spec: MultiShotSpec, resources: Resources) -> None:
        super().__init__(spec, resources)
        self.own_examples = spec.choose == "nearest"  # type: ignore[misc]
        self._lines: dict[str, list[dict[str, Any]]] = {}
        self._cut: dict[str, list[Known]] = {}

    def study(self, train: pl.DataFrame, progress: Progress) -> dict[str, bytes]:
        """Draw the examples of all items, and of each category that has enough of its own; or build the index."""
        usable = self._usable(train).sort("row")
        if self.spec.choose == "nearest":
            if self.spec.k:
                self.resources.index().build(train, progress)
            return {}
        rng = np.random.default_rng(self.spec.seed)
        chosen = {"": self._draw(usable, rng)}
        if self.spec.choose == "category":
            for (category,), part in usable.sort("category", "row").group_by("category", maintain_order=True):
                if category and len(part) >= self.spec.k:
                    chosen[str(category)] = self._draw(part, rng)
        return {EXAMPLES: json.dumps(chosen).encode()}

    def recall(self, parts: Mapping[str, bytes]) -> None:
        self._lines = json.loads(parts[EXAMPLES]) if EXAMPLES in parts else {}
        self._cut = {}

    def given(self, items: pl.DataFrame, progress: Progress) -> list[Given]:
        if self.spec.choose == "nearest":
            return self._nearest(items, progress)
        keys = [category if category in self._lines else "" for category in items["category"]]
        return [
            Given(examples=self._examples(key), stats=self.stats_of(category))
            for key, category in zip(keys, items["category"], strict=True)
        ]

    def _examples(self, key: str) -> list[Known]:
        if key not in self._cut:
            self._cut[key] = known_products(self.model, self._lines.get(key, []), self.spec.max_text_tokens)
        return self._cut[key]

    def _nearest(self, items: pl.DataFrame, progress: Progress) -> list[Given]:
        given = {row: Given(stats=self.stats_of(category)) for row, category in items.select("row", "category").rows()}
        for part in items.iter_slices(_SLICE) if self.spec.k else ():
            neighbours = self.resources.index().nearest(part, self.spec.k)
            progress.advance(0)
            for (row,), lines in neighbours.group_by("row", maintain_order=True):
                given[int(str(row))].examples = _cut(self.model, self._usable(lines), self.spec.max_text_tokens)
        return [given[row] for row in items["row"]]

    def _usable(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The lines whose price the model may say."""
        return lines.filter(self.spec.bounds.hold(pl.col("price")))

    def _draw(self, usable: pl.DataFrame, rng: np.random.Generator) -> list[dict[str, Any]]:
        places = rng.permutation(len(usable))[: self.spec.k]
        drawn = usable[places.tolist()].select(_COLUMNS)
        lines: list[dict[str, Any]] = drawn.with_columns(pl.col("description").str.slice(0, _LETTERS)).to_dicts()
        return lines


def _cut(model: LanguageModel, lines: pl.DataFrame, tokens: int) -> list[Known]:
    return known_products(model, lines.select(*_COLUMNS, "similarity").to_dicts(), tokens)
